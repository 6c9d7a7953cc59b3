namespace ModNet

/// What a modular layer's controller asks of the layer's rows and of the network.
module internal ControllerRules =

    let private image (notes: Notes) place (row: Shape option) channels kernel =
        notes.Positive(place, "a number of channels", channels) |> ignore
        let kernel = notes.Positive(place, "a kernel's size", kernel)

        match row, kernel with
        | Some(Shape.Image(_, height, width)), Some kernel when kernel > min height width ->
            notes.Add(
                Fault.KernelAboveImage,
                place,
                $"a kernel that fits into {height} × {width}",
                $"{kernel} × {kernel}",
                "make the kernel smaller"
            )
        | Some(Shape.Image _), _
        | None, _ -> ()
        | Some row, _ ->
            notes.Add(
                Fault.ImageExpected,
                place,
                "an image [C, H, W] for `Conv`",
                string row,
                "use `Linear` or `Mlp`, which read vectors"
            )

    /// Notes what is wrong with a controller that reads `row` and gives K softmaxes over M.
    let check (notes: Notes) place (row: Shape option) hasTasks (modular: Modular) =
        match modular.Controller with
        | Linear
        | Given -> ()
        | Mlp [] ->
            notes.Add(
                Fault.NonPositiveSize,
                place,
                "at least one hidden width for `Mlp`",
                "none",
                "give it one, or use `Linear`"
            )
        | Mlp hidden ->
            for width in hidden do
                notes.Positive(place, "a hidden width", width) |> ignore
        | Conv(channels, kernel) -> image notes place row channels kernel
        | Task ->
            if not hasTasks then
                notes.Add(
                    Fault.TaskWithoutTasks,
                    place,
                    "task ids beside the input for `Task`",
                    "none",
                    "say `tasks COUNT` after the network's input"
                )
        | Custom custom ->
            CustomRules.check notes place custom row " for every choice"
            let logits = int64 modular.Choose * int64 modular.Pool.Modules

            let isRight =
                match custom.Output with
                | Shape.Vector width -> int64 width = logits
                | _ -> false

            if modular.Choose >= 1 && modular.Pool.Modules >= 1 && not isRight then
                notes.Add(
                    Fault.ControllerUnlikeChoices,
                    place,
                    $"K · M = [{logits}] logits",
                    $"{ShapeRules.Describe custom.Output} from custom `{custom.Name}`",
                    "make it give a logit for every position and module"
                )
