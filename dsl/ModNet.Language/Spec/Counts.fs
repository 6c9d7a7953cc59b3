namespace ModNet

open System

/// Counts of values, parameters and products, none below zero. What is beyond the largest number stays there: it is
/// too many for any machine, and that number says so as well as any.
module internal Counts =

    /// The most modules of a pool: assignments hold a choice in three bytes at most.
    let mostModules = 1 <<< 24

    let plus (first: int64) (second: int64) = if first > Int64.MaxValue - second then Int64.MaxValue else first + second

    let times (first: int64) (second: int64) =
        if first <> 0L && second > Int64.MaxValue / first then Int64.MaxValue else first * second
