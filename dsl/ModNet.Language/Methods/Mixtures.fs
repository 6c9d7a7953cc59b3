namespace ModNet

/// What is asked by methods that run k modules for every row and weigh their outputs.
module internal Mixtures =

    /// Notes a k that is none.
    let count (site: MethodSite) (k: int) =
        if k < 1 then site.Notes.Add(Fault.KBelowOne, site.Place "k", "k ≥ 1", $"k = {k}", "run at least one module")

    /// Notes why a layer is no mixture of k of its modules, for the method of this word.
    let layer (site: MethodSite) (word: string) (k: int) (planned: PlannedLayer, modular: Modular) =
        let place setting = $"{site.Root}/{planned.Name}/{setting}"

        if modular.Choose > 1 then
            site.Notes.Add(
                Fault.MethodUnfit,
                place "choose",
                $"K = 1 for `{word}`, whose k says how many modules run",
                $"K = {modular.Choose}",
                "say `choose 1`"
            )

        if modular.Controller.IsFactored then
            site.Notes.Add(
                Fault.MethodUnfit,
                place "controller",
                $"a controller with a logit for every module, all of which `{word}` compares",
                "`Factored`, which has them for digits",
                "use `Linear`, `Mlp`, `Conv` or `Task`, or train by another method"
            )

        if modular.Halts then
            site.Notes.Add(
                Fault.MethodUnfit,
                place "halts",
                $"no module that halts for `{word}`, which may run several modules of a row",
                "one",
                "leave `halts` out, or train by another method"
            )

        let allowed = modular.Pool.Modules - modular.Masked.Length

        if modular.Pool.Modules >= 1 && k > allowed then
            site.Notes.Add(
                Fault.KAboveM,
                site.Place "k",
                $"k ≤ M = {modular.Pool.Modules} of {planned.Name}"
                + (if modular.Masked.IsEmpty then "" else $" without the {modular.Masked.Length} that are masked"),
                $"k = {k}",
                "run fewer modules, or give the pool more"
            )

        if k > 1 && modular.Combine = Concat then
            site.Notes.Add(
                Fault.MethodUnfit,
                place "combine",
                $"`Sum` for `{word}`, which weighs outputs and adds them",
                "`Concat`",
                "say `combine Sum`, or train by another method"
            )
