namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Generators of networks.
[<RequireQualifiedAccess>]
module Networks =

    /// Sound networks within these limits.
    let soundWithin (limits: Limits) : Gen<Network> = SoundNetworks.within limits

    /// Sound networks
    let sound : Gen<Network> = Gen.sized (Limits.ofSize >> soundWithin)
