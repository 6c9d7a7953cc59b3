namespace ModNet

open System
open System.Reflection

/// The kernel of a notebook, where the program runs in one. It is found by its name, so that this library does not depend on it.
module internal Kernel =

    /// The assemblies that have the method `DisplayAs` in one version of the kernel or another.
    let private homes = [ "Microsoft.DotNet.Interactive"; "Microsoft.DotNet.Interactive.Formatting" ]

    let private displayAs =
        lazy
            (AppDomain.CurrentDomain.GetAssemblies()
             |> Seq.filter (fun assembly -> List.contains (assembly.GetName().Name) homes)
             |> Seq.collect (fun assembly -> assembly.GetExportedTypes())
             |> Seq.filter (fun owner -> owner.Name = "DisplayExtensions")
             |> Seq.collect (fun owner -> owner.GetMethods(BindingFlags.Public ||| BindingFlags.Static))
             |> Seq.tryFind (fun method ->
                 let taken = method.GetParameters() |> Array.map _.ParameterType

                 method.Name = "DisplayAs"
                 && taken.Length >= 2
                 && taken[0] = typeof<string>
                 && taken[1] = typeof<string>))

    /// Shows the contents under a media type; false where there is no kernel to show them.
    let tryDisplay (mediaType: string) (contents: unit -> string) : bool =
        match displayAs.Value with
        | None -> false
        | Some method ->
            // Later versions take further media types: none are given.
            let more =
                method.GetParameters()
                |> Array.skip 2
                |> Array.map (fun parameter -> Array.CreateInstance(parameter.ParameterType.GetElementType(), 0) |> box)

            method.Invoke(null, Array.append [| box (contents ()); box mediaType |] more) |> ignore

            true
