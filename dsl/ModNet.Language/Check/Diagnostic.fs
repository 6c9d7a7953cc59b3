namespace ModNet

/// What is wrong. Each case has a stable id, in capitals, for programs to match on.
[<RequireQualifiedAccess>]
type Fault =
    /// A network or pool without a name, or with `/` in it, which separates places.
    | BadName
    /// Two layers of one name side by side.
    | DuplicateName
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
    /// A rate that may be zero.
    | NegativeRate
    /// A norm that gradients are scaled down to.
    | NonPositiveNorm
    /// A distance or deviation of the data.
    | NonPositiveScale
    /// A size beyond what a tensor can have, or more layers than anybody means.
    | TooLarge
    /// A dropout rate that is not a probability below one.
    | RateOutOfRange
    | StrideOutOfRange
    /// What a leaky ReLU or an ELU makes of negative values, by a number that it cannot be.
    | SlopeOutOfRange
    | PaddingOutOfRange
    /// A kernel or window larger than what it slides over.
    | KernelAboveImage
    | NoPool
    | NoUnit
    | MBelowOne
    /// More modules than an assignment can name.
    | MAboveLimit
    | KBelowOne
    | KAboveM
    /// Modules that may not be chosen, and are not there, are all that there are, or are chosen by others than a controller.
    | MaskUnfit
    /// Modules said one by one, but not M of them.
    | UnitsUnlikeM
    /// Modules of one pool that give different shapes.
    | UnitsDisagree
    /// A module that gives neither a vector nor an image.
    | BadUnitOutput
    | ChoiceInModule
    | BatchNormInModule
    /// What is added to the loss, in a module, which runs for some datapoints only.
    | PenaltyInModule
    /// An initialisation for modules that have nothing it applies to.
    | InitWithoutWeights
    | OnceWithConcat
    /// A dispatch that cannot run the pool's modules.
    | DispatchUnfit
    /// Modules that cannot live on ranks.
    | SpreadUnfit
    | TaskWithoutTasks
    /// A custom controller that does not give K·M logits.
    | ControllerUnlikeChoices
    | SBelowOne
    /// Two different pools of one name.
    | PoolNameTaken
    /// One pool, two signatures.
    | PoolSignatures
    | EmbedWithoutTokens
    | TokensWithoutEmbed
    /// A recurrent layer on a single vector.
    | SequenceExpected
    /// A window of a text, or a sequence, that a layer cannot read as the data have it.
    | WindowUnfit
    /// A vector that has not as many values as an image is to have.
    | WidthUnlikeImage
    /// Features for the controller alone, where there are not as many, or none are left for the modules.
    | ContextUnfit
    /// A module that halts, where there may be none.
    | HaltsUnfit
    /// A number of heads that does not divide the width.
    | HeadsUnfit
    /// A layer that takes one vector, on a sequence.
    | VectorExpected
    /// A layer that takes an image, on anything else.
    | ImageExpected
    /// A modular GRU whose units do not give a state.
    | UnitUnlikeHidden
    /// An input or head inside a chain of layers.
    | NotInside
    /// A residual, coupling, repetition, module or set of branches without layers.
    | EmptyBlock
    | ResidualShape
    /// A coupling of features that have no two halves.
    | CouplingWidth
    | CouplingShape
    | BranchShapes
    /// A custom module whose code this process does not have.
    | CustomUnknown
    /// A custom module that reads another shape than it is given.
    | CustomInput
    /// A custom module that does not give the shape it declares; found when it is compiled.
    | CustomShape
    /// A custom module with another number of parameters than it declares; found when it is compiled.
    | CustomParameters
    | InputUnlikeData
    | HeadUnlikeData
    | VocabularyUnlikeData
    | WidthUnlikeData
    | BatchAboveData
    | ClassesUnlikeData
    | ImageUnlikeData
    /// A network that reads task ids, and data that have none.
    | NoTaskIds
    | TasksUnlikeData
    /// A layer whose choices are given, and data that bring none.
    | NoGivenChoices
    | GivenUnlikeData
    /// A number or share of datapoints held out that cannot be.
    | HeldOutOutOfRange
    /// A setting that needs a validation set, and data that have none.
    | NoValidation
    /// Nothing to predict, or more than can be one class.
    | NoTarget
    | ColumnTwice
    /// A column that the input does not have.
    | ColumnOutOfRange
    /// A column of categories that would be standardised, which leaves no categories.
    | CategoriesStandardised
    /// Arrays or a generator that this process does not have.
    | DataUnknown
    /// Arrays that are not of as many datapoints, or hold classes or tasks that are none.
    | ArraysDisagree
    /// The classes of images to take are not all there, or not different ones.
    | ClassesUnfit
    /// A stream without tasks, with tasks of the same name, or whose tasks are not alike.
    | TasksUnfit
    /// A stream replays what it cannot, or stores what it does not replay.
    | ReplayUnfit
    /// A factor on the steps of modules that earlier tasks use, where there can be none.
    | PlasticityUnfit
    /// A consolidation whose weight is none, or where no earlier task is, or its datapoints without it.
    | ConsolidationUnfit
    /// A pool that is to grow where it cannot.
    | GrowthUnfit
    | DecayOutOfRange
    | MomentumOutOfRange
    | ScheduleOutOfRange
    | WeightOutOfRange
    /// A share of labels that is spread over all classes.
    | SmoothingOutOfRange
    /// The length of training in steps and in epochs.
    | LengthTwice
    /// Samples of which a* is one, and none that is fresh.
    | SWithoutFresh
    /// A layer that the training method cannot train.
    | MethodUnfit
    /// Rules of a game that its players cannot keep.
    | GameUnfit
    /// More compositions than can be enumerated.
    | TooManyCompositions
    | DeviceOutOfRange
    /// A part to freeze that the network does not have.
    | FrozenUnknown
    /// A part to freeze by a name that several have.
    | FrozenUnclear
    /// JSON that is not a network or experiment.
    | BadJson

    /// The stable id: `K_ABOVE_M`.
    member fault.Id =
        match fault with
        | BadName -> "BAD_NAME"
        | DuplicateName -> "DUPLICATE_NAME"
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
        | NegativeRate -> "NEGATIVE_RATE"
        | NonPositiveNorm -> "NON_POSITIVE_NORM"
        | NonPositiveScale -> "NON_POSITIVE_SCALE"
        | TooLarge -> "TOO_LARGE"
        | RateOutOfRange -> "RATE_OUT_OF_RANGE"
        | StrideOutOfRange -> "STRIDE_OUT_OF_RANGE"
        | SlopeOutOfRange -> "SLOPE_OUT_OF_RANGE"
        | PaddingOutOfRange -> "PADDING_OUT_OF_RANGE"
        | KernelAboveImage -> "KERNEL_ABOVE_IMAGE"
        | NoPool -> "NO_POOL"
        | NoUnit -> "NO_UNIT"
        | MBelowOne -> "M_BELOW_ONE"
        | MAboveLimit -> "M_ABOVE_LIMIT"
        | KBelowOne -> "K_BELOW_ONE"
        | KAboveM -> "K_ABOVE_M"
        | MaskUnfit -> "MASK_UNFIT"
        | UnitsUnlikeM -> "UNITS_UNLIKE_M"
        | UnitsDisagree -> "UNITS_DISAGREE"
        | BadUnitOutput -> "BAD_UNIT_OUTPUT"
        | ChoiceInModule -> "CHOICE_IN_MODULE"
        | BatchNormInModule -> "BATCH_NORM_IN_MODULE"
        | PenaltyInModule -> "PENALTY_IN_MODULE"
        | InitWithoutWeights -> "INIT_WITHOUT_WEIGHTS"
        | OnceWithConcat -> "ONCE_WITH_CONCAT"
        | DispatchUnfit -> "DISPATCH_UNFIT"
        | SpreadUnfit -> "SPREAD_UNFIT"
        | TaskWithoutTasks -> "TASK_WITHOUT_TASKS"
        | ControllerUnlikeChoices -> "CONTROLLER_UNLIKE_CHOICES"
        | SBelowOne -> "S_BELOW_ONE"
        | PoolNameTaken -> "POOL_NAME_TAKEN"
        | PoolSignatures -> "POOL_SIGNATURES"
        | EmbedWithoutTokens -> "EMBED_WITHOUT_TOKENS"
        | TokensWithoutEmbed -> "TOKENS_WITHOUT_EMBED"
        | SequenceExpected -> "SEQUENCE_EXPECTED"
        | WindowUnfit -> "WINDOW_UNFIT"
        | WidthUnlikeImage -> "WIDTH_UNLIKE_IMAGE"
        | ContextUnfit -> "CONTEXT_UNFIT"
        | HaltsUnfit -> "HALTS_UNFIT"
        | HeadsUnfit -> "HEADS_UNFIT"
        | VectorExpected -> "VECTOR_EXPECTED"
        | ImageExpected -> "IMAGE_EXPECTED"
        | UnitUnlikeHidden -> "UNIT_UNLIKE_HIDDEN"
        | NotInside -> "NOT_INSIDE"
        | EmptyBlock -> "EMPTY_BLOCK"
        | ResidualShape -> "RESIDUAL_SHAPE"
        | CouplingWidth -> "COUPLING_WIDTH"
        | CouplingShape -> "COUPLING_SHAPE"
        | BranchShapes -> "BRANCH_SHAPES"
        | CustomUnknown -> "CUSTOM_UNKNOWN"
        | CustomInput -> "CUSTOM_INPUT"
        | CustomShape -> "CUSTOM_SHAPE"
        | CustomParameters -> "CUSTOM_PARAMETERS"
        | InputUnlikeData -> "INPUT_UNLIKE_DATA"
        | HeadUnlikeData -> "HEAD_UNLIKE_DATA"
        | VocabularyUnlikeData -> "VOCABULARY_UNLIKE_DATA"
        | WidthUnlikeData -> "WIDTH_UNLIKE_DATA"
        | BatchAboveData -> "BATCH_ABOVE_DATA"
        | ClassesUnlikeData -> "CLASSES_UNLIKE_DATA"
        | ImageUnlikeData -> "IMAGE_UNLIKE_DATA"
        | NoTaskIds -> "NO_TASK_IDS"
        | TasksUnlikeData -> "TASKS_UNLIKE_DATA"
        | NoGivenChoices -> "NO_GIVEN_CHOICES"
        | GivenUnlikeData -> "GIVEN_UNLIKE_DATA"
        | HeldOutOutOfRange -> "HELD_OUT_OUT_OF_RANGE"
        | NoValidation -> "NO_VALIDATION"
        | NoTarget -> "NO_TARGET"
        | ColumnTwice -> "COLUMN_TWICE"
        | ColumnOutOfRange -> "COLUMN_OUT_OF_RANGE"
        | CategoriesStandardised -> "CATEGORIES_STANDARDISED"
        | DataUnknown -> "DATA_UNKNOWN"
        | ArraysDisagree -> "ARRAYS_DISAGREE"
        | ClassesUnfit -> "CLASSES_UNFIT"
        | TasksUnfit -> "TASKS_UNFIT"
        | ReplayUnfit -> "REPLAY_UNFIT"
        | PlasticityUnfit -> "PLASTICITY_UNFIT"
        | ConsolidationUnfit -> "CONSOLIDATION_UNFIT"
        | GrowthUnfit -> "GROWTH_UNFIT"
        | DecayOutOfRange -> "DECAY_OUT_OF_RANGE"
        | MomentumOutOfRange -> "MOMENTUM_OUT_OF_RANGE"
        | ScheduleOutOfRange -> "SCHEDULE_OUT_OF_RANGE"
        | WeightOutOfRange -> "WEIGHT_OUT_OF_RANGE"
        | SmoothingOutOfRange -> "SMOOTHING_OUT_OF_RANGE"
        | LengthTwice -> "LENGTH_TWICE"
        | SWithoutFresh -> "S_WITHOUT_FRESH"
        | MethodUnfit -> "METHOD_UNFIT"
        | GameUnfit -> "GAME_UNFIT"
        | TooManyCompositions -> "TOO_MANY_COMPOSITIONS"
        | DeviceOutOfRange -> "DEVICE_OUT_OF_RANGE"
        | FrozenUnknown -> "FROZEN_UNKNOWN"
        | FrozenUnclear -> "FROZEN_UNCLEAR"
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
