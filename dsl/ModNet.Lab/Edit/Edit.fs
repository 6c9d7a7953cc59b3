namespace ModNet

open ModNet.Runtime
open TorchSharp

/// Changes the structure of trained networks. Every edit gives a new network, which can be asked, edited on, saved and trained on, and leaves the one
/// that it was given as it is. All that belongs to a pool's modules follows: their weights, the rows of every controller that chooses from the pool, masks,
/// frozen modules, moving averages, what the optimiser remembers, how many steps each module has had, and a*.
[<RequireQualifiedAccess>]
module Edit =

    /// The network without some modules of a pool. Controllers share their probabilities out among the modules that are left. A datapoint whose path
    /// met none of them keeps its path and its output. In a run trained by EM, choices in a* of a module that is gone are made anew when the network is
    /// saved, or by `repair`. Raises UserException where a module is not there, or too few are left.
    /// Example: `Trained.load "runs/ptb" |> Edit.exclude "words" [ 3 ]`
    let exclude (pool: string) (modules: int seq) (run: TrainedNetwork) : TrainedNetwork =
        EditModules.exclude pool modules run

    /// The network without some units of a linear layer, or some channels of a convolution, counted from 0. The layer stands in no other one, and is read, through
    /// activations, dropout, pooling and batch normalisation, by a linear layer, a convolution, a softmax head, or a modular layer of linear modules with a linear
    /// controller. The network gives what it gave with these units' outputs set to 0. Raises UserException where a unit is not there, none is left, or
    /// something else reads them.
    /// Example: `Trained.load "runs/mnist" |> Edit.exclude_units "linear1" [ 3; 5 ]`
    let exclude_units (layer: string) (units: int seq) (run: TrainedNetwork) : TrainedNetwork =
        EditUnits.exclude layer units run

    /// The same network with the modules of a pool in another order: its module m is the one that was `order[m]`. Nothing else changes: not what the
    /// network computes, nor what training goes on to do.
    /// Example: `Edit.relabel "words" [ 2; 0; 1 ] trained`
    let relabel (pool: string) (order: int seq) (run: TrainedNetwork) : TrainedNetwork =
        EditModules.relabel pool order run

    /// The network with so many more modules in a pool, at its end. They begin anew, and are masked in every layer over the pool, so that nothing
    /// changes until `unmask`. Raises UserException for a pool whose modules are units of several kinds: `clone` one of those.
    /// Example: `Edit.augment "words" 2 trained |> Edit.unmask "words" [ 15; 16 ]`
    let augment (pool: string) (count: int) (run: TrainedNetwork) : TrainedNetwork = EditModules.augment pool count run

    /// The network with a module twice: once more at the end of its pool. Both have the logit of the one minus log 2, so that the probability of each
    /// output y given x stays as it is (with `duplicates Every`), and training can tell the two apart. The most probable module may be another one now.
    /// Example: `Edit.clone "words" 3 trained`
    let clone (pool: string) (number: int) (run: TrainedNetwork) : TrainedNetwork = EditModules.clone pool number run

    /// The same modules, of which these may be chosen again by every layer over the pool.
    /// Example: `Edit.unmask "words" [ 15 ] trained`
    let unmask (pool: string) (modules: int seq) (run: TrainedNetwork) : TrainedNetwork =
        EditModules.unmask pool modules run

    /// The network with a module replaced by a module of another trained network, or of its own, of the same unit. What the optimiser remembers of it
    /// begins anew. Raises UserException where the two differ in shape.
    /// Example: `Edit.substitute "words" 3 trained "words" 0 trained`
    let substitute
        (pool: string)
        (number: int)
        (source: TrainedNetwork)
        (sourcePool: string)
        (sourceNumber: int)
        (run: TrainedNetwork)
        : TrainedNetwork =
        EditModules.substitute pool number source sourcePool sourceNumber run

    /// The network with a module replaced by a new one of the same unit, which was taught to give what the old one gives, on rows of the run's training
    /// data; and R² of the new one on the rows that are routed to it. Raises UserException where the data are gone, or no row is routed to the module.
    /// Example: `let there, fit = Edit.distil "words" 3 (Runtime.Distillation()) trained`
    let distil (pool: string) (number: int) (how: Distillation) (run: TrainedNetwork) : TrainedNetwork * float =
        EditModules.distil pool number how run

    /// The network with a module replaced by a new one of another unit, such as a narrower one, which was taught in the same way; and R² of the new one. The unit reads and
    /// gives what the pool's modules do. All modules of the pool have parameters of their own from then on, and run one by one. Raises UserException as `distil`
    /// does, and where the unit does not fit the pool.
    /// Example: `let small, fit = Edit.distil_into "words" 3 (chain { linear 4 |> relu; linear 8 }) (Runtime.Distillation()) trained`
    let distil_into
        (pool: string)
        (number: int)
        (unit: Chain)
        (how: Distillation)
        (run: TrainedNetwork)
        : TrainedNetwork * float =
        EditModules.distilInto pool number unit how run

    /// What the modules of a pool give, as data of which x is asked: pairs of f_m(x) and m, and the x [n, …in] that the module m read, an image flattened; from the run's training
    /// data, at most so many, of which a tenth is held out for validation and a tenth for the test. A decoder learns on them what the
    /// frozen modules read. m stands beside f_m(x) as a choice for a layer whose controller is `Given`.
    /// Example: `Edit.reversed "words" 20_000 trained`
    let reversed (pool: string) (rows: int) (run: TrainedNetwork) : Data = EditDecoder.reversed pool rows run

    /// An experiment that trains a decoder for a pool on such data: for each module m a module of its own, with one hidden layer, that is to give x from f_m(x). The trained network stays as it is.
    /// Example: `Edit.decoder "words" trained |> Train.experiment`
    let decoder (pool: string) (run: TrainedNetwork) : Experiment = EditDecoder.experiment pool run

    /// Trains that decoder in a folder, or goes on there, and gives it with R² of x̂ on the test rows: 1 − Σ‖x̂ − x‖² / Σ‖x − mean x‖². Raises OperationCanceledException where Ctrl-C
    /// stopped it.
    /// Example: `let back, fit = Edit.decode "words" "runs/words-back" trained`
    let decode (pool: string) (folder: string) (run: TrainedNetwork) : TrainedNetwork * float =
        EditDecoder.decode pool folder run

    /// The network with two of its layers in each other's places, such as two residual blocks. Both stand between input and head, in no other layer.
    /// Raises UserException where the network is none any more.
    /// Example: `Edit.swap "residual1" "residual2" trained`
    let swap (first: string) (second: string) (run: TrainedNetwork) : TrainedNetwork = EditLayers.swap first second run

    /// The inverse of a network's couplings from one to another, which follow each other: it reads what the last of them gives (a vector, or an image) and gives what the first
    /// one read, as the mean of a Gaussian head; an image is flattened. It has weights alone, as the parts of `split_at`. A modular coupling is inverted
    /// with its modules, as far as its controllers choose by the half that the coupling keeps, which they do. Raises UserException where another layer stands between them.
    /// Example: `Edit.inverse "coupling1" "coupling3" trained`
    let inverse (first: string) (last: string) (run: TrainedNetwork) : TrainedNetwork =
        EditLayers.inverse first last run

    /// The same network, of which training from here on leaves these parts as they are, by the names that `frozen` takes, beside those that it leaves
    /// already.
    /// Example: `Edit.freeze [ "words" ] trained`
    let freeze (parts: string seq) (run: TrainedNetwork) : TrainedNetwork = EditLayers.freeze parts run

    /// The same network, of which training from here on changes nothing but these modules, pools and controllers, by the names that `frozen` takes.
    /// Example: `Edit.freeze_but [ "words/3" ] trained`
    let freeze_but (kept: string seq) (run: TrainedNetwork) : TrainedNetwork = EditLayers.freezeBut kept run

    /// One module as a network: x as a row of the pool → f_m(x), the mean of a Gaussian head; an image that it gives is flattened. It has weights alone:
    /// `save` writes them as `Trained.export` does.
    /// Example: `Edit.split_module "words" 3 trained`
    let split_module (pool: string) (number: int) (run: TrainedNetwork) : TrainedNetwork =
        EditLayers.splitModule pool number run

    /// The network cut after one of its layers: f₁, which gives what that layer gives (flattened, if it is an image), and f₂, which reads it, so that
    /// f = f₂ ∘ f₁. Both have weights alone. Raises UserException where no vector and no image flows there.
    /// Example: `let first, second = Edit.split_at "linear1" trained`
    let split_at (layer: string) (run: TrainedNetwork) : TrainedNetwork * TrainedNetwork = EditLayers.splitAt layer run

    /// The part of the network that some data use: without the modules that none of x [N, …] meets. x and `side` are as in `Predict`. What it says of these
    /// datapoints is what the network says.
    /// Example: `Edit.split_used (x, null) trained`
    let split_used (x: torch.Tensor, side: SideInputs) (run: TrainedNetwork) : TrainedNetwork =
        EditModules.splitUsed (x, side) run

    /// A new network for another experiment, whose pool has the modules of a trained one; all else begins anew. Training leaves the pool as it is. It has had
    /// no gradient step, and `save` makes a run of it that `train` goes on with. Raises UserException where the two pools are of different units or sizes.
    /// Example: `Edit.port "words" trained "words" run`
    let port (sourcePool: string) (source: TrainedNetwork) (pool: string) (target: Experiment) : TrainedNetwork =
        EditModules.port sourcePool source pool target

    /// A new network for another experiment, of the same layers, that begins with all weights of a trained one: other data, another method, other parts frozen. It has had no
    /// gradient step. A head of other classes begins anew. Raises UserException where the layers differ.
    /// Example: `Edit.fine_tune run trained |> Edit.save "runs/tuned"`
    let fine_tune (target: Experiment) (run: TrainedNetwork) : TrainedNetwork = EditTraining.fineTune target run

    /// Trains a network for so many gradient steps more, by its run's method on its run's data, and gives it as it is then. The run is written into a folder; where
    /// the folder has it already, finished or not, it goes on from there. Raises UserException where the folder holds another run, and OperationCanceledException
    /// where Ctrl-C stopped it.
    /// Example: `Edit.clone "words" 3 trained |> Edit.freeze [ "embed1" ] |> Edit.go_on 5_000 "runs/ptb-16"`
    let go_on (steps: int) (folder: string) (run: TrainedNetwork) : TrainedNetwork = EditTraining.goOn steps folder run

    /// Makes the choices anew that an edit left without a module, in a run trained by EM, from the run's data: the most probable ones, and then by an
    /// E-step of these datapoints alone. `save` does it, too. Gives the network and the number of datapoints that were concerned.
    /// Example: `let whole, count = Edit.repair trained`
    let repair (run: TrainedNetwork) : TrainedNetwork * int64 = EditSave.repair run

    /// Writes an edited network as a run into a new folder, from which it is loaded, asked, inspected and edited on, and which
    /// `./modnet train FOLDER` goes on to train. A part of a network, which has weights alone, is written as `Trained.export` writes weights. Raises
    /// UserException where the folder holds something, or the run's data are gone that an a* has to be repaired with.
    /// Example: `Trained.load "runs/ptb" |> Edit.exclude "words" [ 3 ] |> Edit.save "runs/ptb-14"`
    let save (folder: string) (run: TrainedNetwork) : unit = EditSave.save folder run
