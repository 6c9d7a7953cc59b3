namespace ModNet

/// What is wrong. Each case has a stable id, in capitals, for programs to match on.
[<RequireQualifiedAccess>]
type Fault =
    /// A network or pool without a name, or with `/` in it, which separates places.
    | BadName
    | EmptyNetwork
    | NoInput
    | TwoInputs
    | InputNotFirst
    | NoHead
    | TwoHeads
    | LayerAfterHead
    /// A width, vocabulary, count of steps or points below its least value.
    | NonPositiveSize
    | NonPositiveVariance
    | NonPositiveRate
    /// A distance or deviation of the data.
    | NonPositiveScale
    | NoPool
    | NoUnit
    | MBelowOne
    | KBelowOne
    | KAboveM
    | SBelowOne
    /// Two different pools of one name.
    | PoolNameTaken
    /// One pool, two input widths.
    | PoolInputWidths
    | EmbedWithoutTokens
    | TokensWithoutEmbed
    /// A recurrent layer on a single vector.
    | SequenceExpected
    /// A layer that takes one vector, on a sequence.
    | VectorExpected
    /// A modular GRU whose units do not give a state.
    | UnitUnlikeHidden
    | InputUnlikeData
    | HeadUnlikeData
    | VocabularyUnlikeData
    | WidthUnlikeData
    | BatchAboveData
    /// JSON that is not a network or experiment.
    | BadJson

    /// The stable id: `K_ABOVE_M`.
    member fault.Id =
        match fault with
        | BadName -> "BAD_NAME"
        | EmptyNetwork -> "EMPTY_NETWORK"
        | NoInput -> "NO_INPUT"
        | TwoInputs -> "TWO_INPUTS"
        | InputNotFirst -> "INPUT_NOT_FIRST"
        | NoHead -> "NO_HEAD"
        | TwoHeads -> "TWO_HEADS"
        | LayerAfterHead -> "LAYER_AFTER_HEAD"
        | NonPositiveSize -> "NON_POSITIVE_SIZE"
        | NonPositiveVariance -> "NON_POSITIVE_VARIANCE"
        | NonPositiveRate -> "NON_POSITIVE_RATE"
        | NonPositiveScale -> "NON_POSITIVE_SCALE"
        | NoPool -> "NO_POOL"
        | NoUnit -> "NO_UNIT"
        | MBelowOne -> "M_BELOW_ONE"
        | KBelowOne -> "K_BELOW_ONE"
        | KAboveM -> "K_ABOVE_M"
        | SBelowOne -> "S_BELOW_ONE"
        | PoolNameTaken -> "POOL_NAME_TAKEN"
        | PoolInputWidths -> "POOL_INPUT_WIDTHS"
        | EmbedWithoutTokens -> "EMBED_WITHOUT_TOKENS"
        | TokensWithoutEmbed -> "TOKENS_WITHOUT_EMBED"
        | SequenceExpected -> "SEQUENCE_EXPECTED"
        | VectorExpected -> "VECTOR_EXPECTED"
        | UnitUnlikeHidden -> "UNIT_UNLIKE_HIDDEN"
        | InputUnlikeData -> "INPUT_UNLIKE_DATA"
        | HeadUnlikeData -> "HEAD_UNLIKE_DATA"
        | VocabularyUnlikeData -> "VOCABULARY_UNLIKE_DATA"
        | WidthUnlikeData -> "WIDTH_UNLIKE_DATA"
        | BatchAboveData -> "BATCH_ABOVE_DATA"
        | BadJson -> "BAD_JSON"

/// One thing that is wrong, where, and what to do about it.
type Diagnostic = {
    Fault: Fault
    /// Network, layer and setting: `toy/modular1/choose`.
    Place: string
    Expected: string
    Got: string
    Remedy: string
} with

    /// One line: `PLACE: expected …, got … – REMEDY`.
    override diagnostic.ToString() =
        $"{diagnostic.Place}: expected {diagnostic.Expected}, got {diagnostic.Got} – {diagnostic.Remedy}"
