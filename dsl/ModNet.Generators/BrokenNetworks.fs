namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Sound networks with one fault planted.
[<RequireQualifiedAccess>]
module internal BrokenNetworks =

    let private plants (network: Network) =
        let places = Places.ofNetwork network

        EndFaults.all places @ ChainFaults.all places @ ModularFaults.all places @ PoolFaults.all places

    let private planted sound (plant: Plant) : Planted =
        let network = plant.Make()

        let root = if System.String.IsNullOrWhiteSpace network.Name then "network" else network.Name

        {
            Network = network
            Fault = plant.Fault
            Place = if plant.Place = "" then root else $"{root}/{plant.Place}"
            Sound = sound
        }

    /// Every way to break this network by one fault.
    let every (sound: Network) : Planted seq = plants sound |> Seq.map (planted sound)

    /// One of them: first a kind of fault, so that the many places of some do not hide the others.
    let one (sound: Network) : Gen<Planted> =
        gen {
            let! _, plants = plants sound |> List.groupBy _.Fault |> Gen.elements
            let! plant = Gen.elements plants
            return planted sound plant
        }

    /// The same fault at the same place of smaller networks.
    let shrink (broken: Planted) : Planted seq =
        SoundShrinks.shrink broken.Sound
        |> Seq.choose (fun sound ->
            every sound |> Seq.tryFind (fun smaller -> smaller.Fault = broken.Fault && smaller.Place = broken.Place))
