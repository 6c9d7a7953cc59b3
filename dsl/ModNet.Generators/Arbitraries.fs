namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Networks as arguments of properties, with shrinking: a `Network` is sound, a `Planted` is broken.
///
/// Example:
///
///     testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] } "JSON comes back"
///     <| fun (network: Network) -> Network.of_json (Network.to_json network) = Ok network
type Arbitraries =

    /// Sound networks.
    static member Network() : Arbitrary<Network> = Arb.fromGenShrink (Networks.sound, Networks.shrink)

    /// Networks with one fault.
    static member Planted() : Arbitrary<Planted> = Arb.fromGenShrink (Networks.broken, Networks.shrinkBroken)
