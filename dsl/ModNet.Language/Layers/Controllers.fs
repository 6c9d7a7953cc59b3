namespace ModNet

/// What a controller is asked at its place.
type internal ControllerSite = {
    Notes: Notes
    Place: string
    /// What it reads.
    Row: Shape option
    /// The number of task ids that the network reads beside its input, 0 where that is wrong itself; None where it reads none.
    Tasks: int option
    /// The layer that it chooses for.
    Modular: Modular
}

/// All that is to be said of one kind of controller, whose settings are a 'P.
type internal ControllerForm<'P> = {
    Word: string
    Get: Controller -> 'P option
    Make: 'P -> Controller
    Fields: Fields<'P, 'P>
    /// As a drawing shows it.
    Describe: 'P -> string
    /// Notes what is wrong with one that reads a row and gives K softmaxes over M.
    Check: ControllerSite -> 'P -> unit
    /// What it costs to make so many logits, K · M, of a row and of one of so many task ids.
    Cost: Shape -> int64 -> int option -> 'P -> Cost
    Weight: int
}

/// The same for any kind.
type internal ControllerKind = {
    Is: Controller -> bool
    Json: Case<Controller>
    Describe: Controller -> string
    Check: ControllerSite -> Controller -> unit
    Cost: Shape -> int64 -> int option -> Controller -> Cost
}

module internal Controllers =

    let private ofForm (form: ControllerForm<'P>) : ControllerKind =
        let settings controller = (form.Get controller).Value

        {
            Is = form.Get >> Option.isSome
            Json = Codec.case form.Word form.Get form.Make form.Fields |> Codec.weighing form.Weight
            Describe = settings >> form.Describe
            Check = fun site -> settings >> form.Check site
            Cost = fun row logits tasks -> settings >> form.Cost row logits tasks
        }

    let private linear =
        ofForm {
            Word = "linear"
            Get =
                (function
                | Linear -> Some()
                | _ -> None)
            Make = fun () -> Linear
            Fields = Codec.nothing ()
            Describe = fun () -> "controller Linear"
            Check = fun _ () -> ()
            Cost = fun row logits _ () -> Cost.affine (ShapeRules.Values row) logits true
            Weight = 0
        }

    let private mlp =
        ofForm {
            Word = "mlp"
            Get =
                (function
                | Mlp hidden -> Some hidden
                | _ -> None)
            Make = Mlp
            Fields = Codec.one "hidden" (Codec.list Codec.int)
            Describe =
                fun hidden ->
                    let widths = hidden |> List.map string<int> |> String.concat "; "
                    $"controller Mlp [ {widths} ]"
            Check =
                fun site hidden ->
                    if hidden.IsEmpty then
                        site.Notes.Add(
                            Fault.NonPositiveSize,
                            site.Place,
                            "at least one hidden width for `Mlp`",
                            "none",
                            "give it one, or use `Linear`"
                        )

                    for width in hidden do
                        site.Notes.Positive(site.Place, "a hidden width", width) |> ignore
            Cost =
                fun row logits _ hidden ->
                    ShapeRules.Values row :: List.map int64<int> hidden @ [ logits ]
                    |> List.pairwise
                    |> List.map (fun (input, output) -> Cost.affine input output true)
                    |> Cost.sum
            Weight = 2
        }

    let private checkConv (site: ControllerSite) (channels, kernel) =
        site.Notes.Positive(site.Place, "a number of channels", channels) |> ignore
        let kernel = site.Notes.Positive(site.Place, "a kernel's size", kernel)

        match site.Row, kernel with
        | Some(Shape.Image(_, height, width)), Some kernel when kernel > min height width ->
            site.Notes.Add(
                Fault.KernelAboveImage,
                site.Place,
                $"a kernel that fits into {height} × {width}",
                $"{kernel} × {kernel}",
                "make the kernel smaller"
            )
        | Some(Shape.Image _), _
        | None, _ -> ()
        | Some row, _ ->
            site.Notes.Add(
                Fault.ImageExpected,
                site.Place,
                "an image [C, H, W] for `Conv`",
                string row,
                "use `Linear` or `Mlp`, which read vectors"
            )

    let private conv =
        ofForm {
            Word = "conv"
            Get =
                (function
                | Conv(channels, kernel) -> Some(channels, kernel)
                | _ -> None)
            Make = Conv
            Fields = Codec.pair ("channels", Codec.int) ("kernel", Codec.int)
            Describe = fun (channels, kernel) -> $"controller Conv ({channels}, {kernel})"
            Check = checkConv
            Cost =
                fun row logits _ (channels, kernel) ->
                    Cost.add
                        (Cost.conv (Cost.channels row) channels kernel true (Cost.places row))
                        (Cost.affine (int64 channels) logits true)
            Weight = 4
        }

    let private task =
        ofForm {
            Word = "task"
            Get =
                (function
                | Task -> Some()
                | _ -> None)
            Make = fun () -> Task
            Fields = Codec.nothing ()
            Describe = fun () -> "controller Task"
            Check =
                fun site () ->
                    if site.Tasks.IsNone then
                        site.Notes.Add(
                            Fault.TaskWithoutTasks,
                            site.Place,
                            "task ids beside the input for `Task`",
                            "none",
                            "say `tasks COUNT` after the network's input"
                        )
            Cost =
                fun row logits tasks () ->
                    Cost.affine (Counts.plus (ShapeRules.Values row) (int64 (defaultArg tasks 0))) logits true
            Weight = 2
        }

    /// Sizes of so many digits, about alike and none of them 1, that make M modules; None where there are none.
    let private sizesFor count modules =
        let rec factors least rest =
            if rest <= 1 then []
            elif int64 least * int64 least > int64 rest then [ rest ]
            elif rest % least = 0 then least :: factors least (rest / least)
            else factors (least + 1) rest

        let sizes =
            (List.replicate count 1, List.rev (factors 2 modules))
            ||> List.fold (fun sizes factor ->
                match List.sort sizes with
                | smallest :: others -> smallest * factor :: others
                | [] -> [])

        if List.contains 1 sizes then None else Some(List.sortDescending sizes)

    let private inBrackets (sizes: int list) = sizes |> List.map string<int> |> String.concat "; " |> sprintf "[ %s ]"

    let private checkFactored (site: ControllerSite) (digits: int list) =
        let modules = site.Modular.Pool.Modules

        if digits.IsEmpty then
            site.Notes.Add(
                Fault.NonPositiveSize,
                site.Place,
                "at least one digit's size for `Factored`",
                "none",
                "give sizes whose product is M, or use `Linear`"
            )

        let sizes = digits |> List.choose (fun size -> site.Notes.Positive(site.Place, "a digit's size", size))
        let product = sizes |> List.fold (fun product size -> Counts.times product (int64 size)) 1L

        if not digits.IsEmpty && sizes.Length = digits.Length && modules >= 1 && product <> int64 modules then
            let instead =
                sizesFor digits.Length modules |> Option.map (fun sizes -> $"say `Factored {inBrackets sizes}`")

            let remedies =
                Option.toList instead
                @ [ if product <= int64 Counts.mostModules then $"give the pool {Numbers.grouped product} modules" ]

            site.Notes.Add(
                Fault.ControllerUnlikeChoices,
                site.Place,
                $"digits whose sizes multiply to M = {Numbers.grouped (int64 modules)}",
                $"{inBrackets digits}, which multiply to {Numbers.grouped product}",
                (if remedies.IsEmpty then "give other sizes, or use `Linear`" else String.concat ", or " remedies)
            )

    let private factored =
        ofForm {
            Word = "factored"
            Get =
                (function
                | Factored digits -> Some digits
                | _ -> None)
            Make = Factored
            Fields = Codec.one "digits" (Codec.list Codec.int)
            Describe = fun digits -> $"controller Factored {inBrackets digits}"
            Check = checkFactored
            Cost =
                fun row logits _ digits ->
                    let modules = digits |> List.fold (fun product size -> Counts.times product (int64 size)) 1L
                    let choose = logits / max 1L modules
                    Cost.affine (ShapeRules.Values row) (choose * (digits |> List.sumBy int64<int>)) true
            Weight = 3
        }

    let private given =
        ofForm {
            Word = "given"
            Get =
                (function
                | Given -> Some()
                | _ -> None)
            Make = fun () -> Given
            Fields = Codec.nothing ()
            Describe = fun () -> "given by the data"
            Check = fun _ () -> ()
            Cost = fun _ _ _ () -> Cost.none
            Weight = 1
        }

    let private checkByTask (site: ControllerSite) () =
        match site.Tasks with
        | None ->
            site.Notes.Add(
                Fault.TaskWithoutTasks,
                site.Place,
                "task ids beside the input for `ByTask`",
                "none",
                "say `tasks COUNT` after the network's input"
            )
        | Some tasks ->
            if tasks >= 1 && site.Modular.Pool.Modules >= 1 && site.Modular.Pool.Modules <> tasks then
                site.Notes.Add(
                    Fault.ControllerUnlikeChoices,
                    site.Place,
                    $"M = {tasks}, a module for every task id",
                    $"M = {site.Modular.Pool.Modules}",
                    $"give the pool {tasks} modules, or say `tasks {site.Modular.Pool.Modules}`"
                )

            if site.Modular.Choose > 1 then
                site.Notes.Add(
                    Fault.ControllerUnlikeChoices,
                    site.Place,
                    "K = 1, the module of the datapoint's task",
                    $"K = {site.Modular.Choose}",
                    "choose 1"
                )

    let private byTask =
        ofForm {
            Word = "by_task"
            Get =
                (function
                | ByTask -> Some()
                | _ -> None)
            Make = fun () -> ByTask
            Fields = Codec.nothing ()
            Describe = fun () -> "the task's own"
            Check = checkByTask
            Cost = fun _ _ _ () -> Cost.none
            Weight = 2
        }

    let private checkCustom (site: ControllerSite) (custom: Custom) =
        CustomModule.check site.Notes site.Place custom site.Row " for every choice"
        let modular = site.Modular
        let logits = int64 modular.Choose * int64 modular.Pool.Modules

        let isRight =
            match custom.Output with
            | Shape.Vector width -> int64 width = logits
            | _ -> false

        if modular.Choose >= 1 && modular.Pool.Modules >= 1 && not isRight then
            site.Notes.Add(
                Fault.ControllerUnlikeChoices,
                site.Place,
                $"K · M = [{logits}] logits",
                $"{ShapeRules.Describe custom.Output} from custom `{custom.Name}`",
                "make it give a logit for every position and module"
            )

    let private custom =
        ofForm {
            Word = "custom"
            Get =
                (function
                | Custom custom -> Some custom
                | _ -> None)
            Make = Custom
            Fields = Words.custom
            Describe = fun custom -> $"controller Custom `{custom.Name}`"
            Check = checkCustom
            Cost = fun _ _ _ custom -> Cost.ofCustom custom
            Weight = 4
        }

    let all = [ linear; mlp; conv; task; factored; given; byTask; custom ]

    let private of' controller = all |> List.find (fun kind -> kind.Is controller)

    let codec = Codec.union [ for kind in all -> kind.Json ]

    let describe controller = (of' controller).Describe controller

    let check (site: ControllerSite) = (of' site.Modular.Controller).Check site site.Modular.Controller

    /// What a modular layer's controller costs that reads a row and, maybe, one of so many task ids.
    let cost (modular: Modular) (row: Shape) (tasks: int option) =
        let logits = Counts.times (int64 modular.Choose) (int64 modular.Pool.Modules)
        (of' modular.Controller).Cost row logits tasks modular.Controller
