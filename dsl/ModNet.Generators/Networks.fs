namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Networks for properties: sound ones, broken ones, and any at all.
[<RequireQualifiedAccess>]
module Networks =

    /// Sound networks within these limits: `check` accepts them and `compile` compiles them. They have all inputs, layers and
    /// heads of the language, nested and shared. They are built from shape to shape, and none is thrown away.
    /// Example: `Networks.soundWithin { Limits.small with Modules = 2 }`
    let soundWithin (limits: Limits) : Gen<Network> = SoundNetworks.within limits

    /// Sound networks that grow with FsCheck's size.
    /// Example: `Prop.forAll (Arb.fromGen Networks.sound) (fun network -> (check network).IsOk)`
    let sound: Gen<Network> = Gen.sized (Limits.ofSize >> soundWithin)

    /// Smaller sound networks in place of a sound one, the boldest first: layers left out, blocks opened, modular layers made
    /// plain, K, M and widths made smaller. All are smaller by `size`, so shrinking ends.
    let shrink (network: Network) : Network seq = SoundShrinks.shrink network

    /// How large a network is to read, ≥ 0: numbers and layers count, each wherever it is written.
    let size (network: Network) : int = Size.ofNetwork network

    /// Every way to plant one fault in a sound network, of those that are known here, with the place where `check` must find
    /// it, and it alone.
    let faults (sound: Network) : Planted seq = BrokenNetworks.every sound

    /// Sound networks within these limits with one fault planted, at any depth.
    let brokenWithin (limits: Limits) : Gen<Planted> = soundWithin limits |> Gen.bind BrokenNetworks.one

    /// Sound networks with one fault planted, at any depth; they grow with FsCheck's size.
    /// Example: `Prop.forAll (Arb.fromGen Networks.broken) (fun planted -> (check planted.Network).IsError)`
    let broken: Gen<Planted> = Gen.sized (Limits.ofSize >> brokenWithin)

    /// The same fault at the same place of smaller networks.
    let shrinkBroken (planted: Planted) : Planted seq = BrokenNetworks.shrink planted
