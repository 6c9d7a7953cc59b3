// ModNet's only native code: libtorch seen through a dozen C functions.
// One of them, modnet_call, reaches every operator of the installed libtorch by name, with boxed arguments
// (c10::Dispatcher); so this file need not know the operators, and one source serves libtorch 1.13 to 2.x.
// A tensor handle is a c10::TensorImpl* that owns one reference; null is the undefined tensor.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
template <class T> using Optional = std::optional<T>;
#else
template <class T> using Optional = c10::optional<T>;
#endif

namespace {

using at::Tensor;
using c10::IValue;
using c10::TypeKind;

// Mirrors ModNet.Torch.Tag and ModNet.Torch.NativeValue.
enum Tag : int64_t {
  kDefault, kNone, kTensor, kInt, kDouble, kBool, kIntList, kDoubleList, kBoolList, kTensorList, kString, kDevice, kGenerator,
};

struct Value {
  int64_t tag;
  int64_t count; // elements of a list, bytes of a string, index of a device
  union { int64_t i; double d; void* p; };
};

struct Operator {
  c10::OperatorHandle handle;
  std::string schema;
};

thread_local std::string last_error;
std::atomic<int64_t> live_handles{0};

template <class F> int guarded(F&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error& e) {
    last_error = e.what_without_backtrace();
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "unknown native exception";
  }
  return 1;
}

void* give(Tensor t) {
  if (!t.defined()) return nullptr;
  live_handles.fetch_add(1, std::memory_order_relaxed);
  return t.unsafeReleaseTensorImpl();
}

Tensor borrow(void* handle) {
  if (handle == nullptr) return Tensor();
  return Tensor(c10::intrusive_ptr<c10::TensorImpl>::unsafe_reclaim_from_nonowning(static_cast<c10::TensorImpl*>(handle)));
}

// `Tensor` operations on a handle without touching its reference count.
struct Peek {
  explicit Peek(void* handle)
      : tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(handle))) {}
  ~Peek() { tensor.unsafeReleaseTensorImpl(); }
  Peek(const Peek&) = delete;
  Peek& operator=(const Peek&) = delete;
  Tensor* operator->() { return &tensor; }
  Tensor tensor;
};

// The reverse of give: the reference passes from the handle to the tensor.
Tensor take_one(void* handle) {
  if (handle == nullptr) return Tensor();
  live_handles.fetch_sub(1, std::memory_order_relaxed);
  return Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(handle)));
}

std::vector<Tensor> borrow_all(void* const* handles, int64_t count) {
  std::vector<Tensor> list;
  list.reserve(count);
  for (int64_t i = 0; i < count; ++i) list.push_back(borrow(handles[i]));
  return list;
}

void give_list(const std::vector<Tensor>& list, Value& out) {
  auto** handles = static_cast<void**>(std::malloc(sizeof(void*) * (list.empty() ? 1 : list.size())));
  for (size_t i = 0; i < list.size(); ++i) handles[i] = give(list[i]);
  out.tag = kTensorList;
  out.count = static_cast<int64_t>(list.size());
  out.p = handles;
}

[[noreturn]] void mismatch(const c10::FunctionSchema& schema, const c10::Argument& arg) {
  TORCH_CHECK(false, schema.operator_name().name, "(): argument '", arg.name(), "' expected ", arg.type()->str(), "; schema: ", schema);
}

template <class T> c10::List<T> list_of(const T* data, int64_t count) {
  c10::List<T> list;
  list.reserve(count);
  for (int64_t i = 0; i < count; ++i) list.push_back(data[i]);
  return list;
}

c10::Device device_of(int64_t type, int64_t index) {
  return c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index));
}

bool is_int(TypeKind kind) { return kind == TypeKind::IntType || kind == TypeKind::SymIntType; }

IValue to_ivalue(const Value& v, const c10::FunctionSchema& schema, const c10::Argument& arg) {
  if (v.tag == kDefault) {
    TORCH_CHECK(arg.default_value().has_value(), schema.operator_name().name, "(): argument '", arg.name(), "' has no default");
    return *arg.default_value();
  }
  if (v.tag == kNone) return IValue();
  const c10::Type* type = arg.type().get();
  if (type->kind() == TypeKind::OptionalType) type = static_cast<const c10::OptionalType*>(type)->getElementType().get();
  const TypeKind kind = type->kind();
  const TypeKind element = kind == TypeKind::ListType ? static_cast<const c10::ListType*>(type)->getElementType()->kind() : kind;
  const int64_t spread = arg.N() ? std::max<int64_t>(*arg.N(), 1) : 1;
  switch (v.tag) {
    case kTensor:
      if (kind == TypeKind::TensorType) return borrow(v.p);
      break;
    case kInt:
      if (kind == TypeKind::FloatType) return static_cast<double>(v.i);
      if (kind == TypeKind::BoolType) return v.i != 0;
      if (is_int(kind) || kind == TypeKind::NumberType) return v.i;
      if (is_int(element)) return c10::List<int64_t>(list_of(std::vector<int64_t>(spread, v.i).data(), spread));
      break;
    case kDouble:
      if (kind == TypeKind::FloatType || kind == TypeKind::NumberType) return v.d;
      break;
    case kBool:
      if (kind == TypeKind::BoolType || kind == TypeKind::NumberType) return v.i != 0;
      break;
    case kIntList:
      if (is_int(element)) return list_of(static_cast<const int64_t*>(v.p), v.count);
      if (element == TypeKind::FloatType) {
        const auto* ints = static_cast<const int64_t*>(v.p);
        std::vector<double> doubles(ints, ints + v.count);
        return list_of(doubles.data(), v.count);
      }
      break;
    case kDoubleList:
      if (element == TypeKind::FloatType) return list_of(static_cast<const double*>(v.p), v.count);
      if (element == TypeKind::NumberType) {
        c10::List<at::Scalar> scalars;
        for (int64_t i = 0; i < v.count; ++i) scalars.push_back(at::Scalar(static_cast<const double*>(v.p)[i]));
        return scalars;
      }
      break;
    case kBoolList: {
      if (element != TypeKind::BoolType) break;
      c10::List<bool> bools;
      for (int64_t i = 0; i < v.count; ++i) bools.push_back(static_cast<const int64_t*>(v.p)[i] != 0);
      return bools;
    }
    case kTensorList: {
      auto* const* handles = static_cast<void* const*>(v.p);
      if (element == TypeKind::OptionalType) {
        c10::List<Optional<Tensor>> list;
        for (int64_t i = 0; i < v.count; ++i) {
          if (handles[i]) list.push_back(borrow(handles[i]));
          else list.push_back(Optional<Tensor>());
        }
        return list;
      }
      if (element != TypeKind::TensorType) break;
      c10::List<Tensor> list;
      list.reserve(v.count);
      for (int64_t i = 0; i < v.count; ++i) list.push_back(borrow(handles[i]));
      return list;
    }
    case kString:
      if (kind == TypeKind::StringType) return std::string(static_cast<const char*>(v.p), v.count);
      break;
    case kDevice:
      if (kind == TypeKind::DeviceObjType) return device_of(v.i, v.count);
      break;
    case kGenerator:
      if (kind == TypeKind::GeneratorType) return *static_cast<at::Generator*>(v.p);
      break;
    default: break;
  }
  mismatch(schema, arg);
}

bool returnable(const IValue& iv) {
  return iv.isTensor() || iv.isTensorList() || iv.isInt() || iv.isDouble() || iv.isBool() || iv.isNone();
}

void from_ivalue(IValue&& iv, Value& out) {
  out.count = 0;
  if (iv.isTensor()) {
    out.tag = kTensor;
    out.p = give(std::move(iv).toTensor());
  } else if (iv.isTensorList()) {
    give_list(iv.toTensorVector(), out);
  } else if (iv.isInt()) {
    out.tag = kInt;
    out.i = iv.toInt();
  } else if (iv.isDouble()) {
    out.tag = kDouble;
    out.d = iv.toDouble();
  } else if (iv.isBool()) {
    out.tag = kBool;
    out.i = iv.toBool();
  } else {
    out.tag = kNone;
    out.p = nullptr;
  }
}

const char* keep(std::string text) {
  thread_local std::string kept;
  kept = std::move(text);
  return kept.c_str();
}

// The managed half of a custom autograd function. `state` is a GC handle, released with the graph node.
struct Callbacks {
  // Both return null, or an error text allocated with modnet_alloc; `out` is a tensor list allocated likewise.
  char* (*forward)(void* state, torch::autograd::AutogradContext* ctx, Value* out);
  char* (*backward)(void* state, torch::autograd::AutogradContext* ctx, void** grads, int64_t count, Value* out);
  void (*release)(void* state);
};

struct ManagedState final : torch::CustomClassHolder {
  ManagedState(Callbacks c, void* s) : callbacks(c), state(s) {}
  ~ManagedState() override { callbacks.release(state); }
  Callbacks callbacks;
  void* state;
};

torch::autograd::variable_list take(char* error, Value& out) {
  if (error != nullptr) {
    std::string text = error;
    std::free(error);
    throw std::runtime_error(text);
  }
  auto** handles = static_cast<void**>(out.p);
  torch::autograd::variable_list list;
  list.reserve(out.count + 1);
  for (int64_t i = 0; i < out.count; ++i) list.push_back(take_one(handles[i]));
  std::free(handles);
  return list;
}

struct ManagedFunction : torch::autograd::Function<ManagedFunction> {
  static torch::autograd::variable_list forward(
      torch::autograd::AutogradContext* ctx, at::TensorList, c10::intrusive_ptr<ManagedState> managed) {
    ctx->saved_data["managed"] = IValue::make_capsule(managed);
    Value out{};
    char* error = managed->callbacks.forward(managed->state, ctx, &out);
    return take(error, out);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    auto managed = c10::static_intrusive_pointer_cast<ManagedState>(ctx->saved_data["managed"].toCapsule());
    std::vector<void*> handles;
    handles.reserve(grads.size());
    for (auto& g : grads) handles.push_back(give(g));
    Value out{};
    char* error = managed->callbacks.backward(managed->state, ctx, handles.data(), static_cast<int64_t>(handles.size()), &out);
    auto list = take(error, out);
    list.emplace_back(); // for the non-tensor argument `managed`
    return list;
  }
};

} // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const char* modnet_error() { return last_error.c_str(); }
EXPORT void* modnet_alloc(int64_t bytes) { return std::malloc(bytes > 0 ? bytes : 1); }
EXPORT void modnet_release(void* p) { std::free(p); }
EXPORT const char* modnet_version() { return TORCH_VERSION; }
EXPORT const char* modnet_config() { return keep(at::show_config()); }
EXPORT const char* modnet_parallel_info() { return keep(at::get_parallel_info()); }
EXPORT int64_t modnet_live() { return live_handles.load(std::memory_order_relaxed); }

EXPORT int modnet_find(const char* name, const char* overload, void** out) {
  return guarded([&] {
    static std::mutex mutex;
    static std::unordered_map<std::string, std::unique_ptr<Operator>> known;
    std::lock_guard<std::mutex> lock(mutex);
    auto& entry = known[std::string(name) + "." + overload];
    if (!entry) {
      auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
      TORCH_CHECK(handle.has_value(), "libtorch ", TORCH_VERSION, " has no operator ", name, *overload ? "." : "", overload);
      entry.reset(new Operator{*handle, c10::toString(handle->schema())});
    }
    *out = entry.get();
  });
}

EXPORT const char* modnet_schema(void* op) { return static_cast<Operator*>(op)->schema.c_str(); }

EXPORT int modnet_call(void* op, const Value* args, int64_t count, Value* outs, int64_t capacity, int64_t* produced) {
  return guarded([&] {
    const auto& handle = static_cast<Operator*>(op)->handle;
    const auto& schema = handle.schema();
    const auto& formal = schema.arguments();
    TORCH_CHECK(count <= static_cast<int64_t>(formal.size()), schema.operator_name().name, "(): expected at most ", formal.size(),
        " arguments, got ", count, "; schema: ", schema);
    // A stack is borrowed from the thread rather than allocated; a nested call (autograd callback) finds it empty and makes its own.
    thread_local torch::jit::Stack spare;
    torch::jit::Stack stack = std::move(spare);
    stack.clear();
    for (size_t i = 0; i < formal.size(); ++i) {
      if (static_cast<int64_t>(i) < count) {
        stack.push_back(to_ivalue(args[i], schema, formal[i]));
      } else {
        const auto& fallback = formal[i].default_value();
        TORCH_CHECK(fallback.has_value(), schema.operator_name().name, "(): missing argument '", formal[i].name(), "'; schema: ", schema);
        stack.push_back(*fallback);
      }
    }
    handle.callBoxed(&stack);
    TORCH_CHECK(static_cast<int64_t>(stack.size()) <= capacity, schema.operator_name().name, "(): more than ", capacity, " results");
    for (const auto& iv : stack)
      TORCH_CHECK(returnable(iv), schema.operator_name().name, "(): a result of type ", iv.tagKind(), " cannot be returned");
    *produced = static_cast<int64_t>(stack.size());
    for (size_t i = 0; i < stack.size(); ++i) from_ivalue(std::move(stack[i]), outs[i]);
    stack.clear();
    spare = std::move(stack);
  });
}

EXPORT void modnet_free(void* handle) {
  if (handle == nullptr) return;
  live_handles.fetch_sub(1, std::memory_order_relaxed);
  guarded([&] { c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(handle)); });
}

EXPORT void* modnet_share(void* handle) { return give(borrow(handle)); }

EXPORT int64_t modnet_dim(void* t) { return Peek(t)->dim(); }
EXPORT int64_t modnet_numel(void* t) { return Peek(t)->numel(); }
EXPORT int64_t modnet_storage_offset(void* t) { return Peek(t)->storage_offset(); }
EXPORT int64_t modnet_itemsize(void* t) { return static_cast<int64_t>(Peek(t)->dtype().itemsize()); }
EXPORT int64_t modnet_dtype(void* t) { return static_cast<int64_t>(Peek(t)->scalar_type()); }

EXPORT void modnet_device(void* t, int64_t* type, int64_t* index) {
  const auto device = Peek(t)->device();
  *type = static_cast<int64_t>(device.type());
  *index = device.index();
}

EXPORT void modnet_sizes(void* t, int64_t* out) {
  Peek p(t);
  std::copy(p->sizes().begin(), p->sizes().end(), out);
}

EXPORT int modnet_strides(void* t, int64_t* out) {
  return guarded([&] {
    Peek p(t);
    std::copy(p->strides().begin(), p->strides().end(), out);
  });
}

EXPORT int modnet_data(void* t, void** out) {
  return guarded([&] { *out = Peek(t)->data_ptr(); });
}

EXPORT int modnet_is_contiguous(void* t) { return Peek(t)->is_contiguous(); }
EXPORT int modnet_is_sparse(void* t) { return Peek(t)->is_sparse(); }
EXPORT int modnet_is_leaf(void* t) { return Peek(t)->is_leaf(); }
EXPORT int modnet_requires_grad(void* t) { return Peek(t)->requires_grad(); }
EXPORT int modnet_set_requires_grad(void* t, int value) {
  return guarded([&] { Peek(t)->set_requires_grad(value != 0); });
}

EXPORT int modnet_grad(void* t, void** out) {
  return guarded([&] { *out = give(Peek(t)->grad()); });
}

EXPORT int modnet_set_grad(void* t, void* grad) {
  return guarded([&] { Peek(t)->mutable_grad() = borrow(grad); });
}

// tensor.set_data: the handle keeps its identity and takes the other's storage, shape and type.
EXPORT int modnet_set_data(void* t, void* other) {
  return guarded([&] { Peek(t)->set_data(borrow(other)); });
}

EXPORT int modnet_backward(void* const* outputs, void* const* grads, int64_t count, int retain_graph, int create_graph,
    void* const* inputs, int64_t input_count) {
  return guarded([&] {
    torch::autograd::backward(borrow_all(outputs, count), grads ? borrow_all(grads, count) : std::vector<Tensor>(),
        retain_graph != 0, create_graph != 0, borrow_all(inputs, input_count));
  });
}

EXPORT int modnet_autograd_grad(void* const* outputs, int64_t output_count, void* const* inputs, int64_t input_count,
    void* const* grads, int retain_graph, int create_graph, int allow_unused, Value* out) {
  return guarded([&] {
    give_list(torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count),
        grads ? borrow_all(grads, output_count) : std::vector<Tensor>(), retain_graph != 0, create_graph != 0, allow_unused != 0), *out);
  });
}

EXPORT int modnet_grad_mode() { return c10::GradMode::is_enabled(); }
EXPORT void modnet_set_grad_mode(int value) { c10::GradMode::set_enabled(value != 0); }

EXPORT int modnet_function(void* const* inputs, int64_t count, Callbacks callbacks, void* state, Value* out) {
  return guarded([&] {
    auto list = borrow_all(inputs, count);
    auto managed = c10::make_intrusive<ManagedState>(callbacks, state);
    give_list(ManagedFunction::apply(at::TensorList(list), managed), *out);
  });
}

EXPORT int modnet_context_save(torch::autograd::AutogradContext* ctx, void* const* tensors, int64_t count) {
  return guarded([&] { ctx->save_for_backward(borrow_all(tensors, count)); });
}

EXPORT int modnet_context_saved(torch::autograd::AutogradContext* ctx, Value* out) {
  return guarded([&] { give_list(ctx->get_saved_variables(), *out); });
}

EXPORT int modnet_context_mark(torch::autograd::AutogradContext* ctx, void* const* tensors, int64_t count, int dirty) {
  return guarded([&] {
    if (dirty) ctx->mark_dirty(borrow_all(tensors, count));
    else ctx->mark_non_differentiable(borrow_all(tensors, count));
  });
}

EXPORT void modnet_context_materialize(torch::autograd::AutogradContext* ctx, int value) { ctx->set_materialize_grads(value != 0); }

EXPORT int modnet_manual_seed(uint64_t seed) {
  return guarded([&] { at::manual_seed(seed); });
}

EXPORT int modnet_generator_new(int64_t device_type, int64_t device_index, uint64_t seed, void** out) {
  return guarded([&] {
    auto generator = std::make_unique<at::Generator>(at::globalContext().defaultGenerator(device_of(device_type, device_index)).clone());
    generator->set_current_seed(seed);
    *out = generator.release();
  });
}

EXPORT int modnet_generator_default(int64_t device_type, int64_t device_index, void** out) {
  return guarded([&] { *out = new at::Generator(at::globalContext().defaultGenerator(device_of(device_type, device_index))); });
}

EXPORT void modnet_generator_free(void* g) { delete static_cast<at::Generator*>(g); }

EXPORT int modnet_generator_seed(void* g, uint64_t seed) {
  return guarded([&] {
    auto& generator = *static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_current_seed(seed);
  });
}

EXPORT uint64_t modnet_generator_current_seed(void* g) { return static_cast<at::Generator*>(g)->current_seed(); }

EXPORT int modnet_generator_state(void* g, void** out) {
  return guarded([&] {
    auto& generator = *static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator.mutex());
    *out = give(generator.get_state());
  });
}

EXPORT int modnet_generator_set_state(void* g, void* state) {
  return guarded([&] {
    auto& generator = *static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(borrow(state));
  });
}

EXPORT int64_t modnet_threads() { return at::get_num_threads(); }
EXPORT int modnet_set_threads(int64_t n) {
  return guarded([&] { at::set_num_threads(static_cast<int>(n)); });
}
EXPORT int64_t modnet_interop_threads() { return at::get_num_interop_threads(); }
EXPORT int modnet_set_interop_threads(int64_t n) {
  return guarded([&] { at::set_num_interop_threads(static_cast<int>(n)); });
}

EXPORT int64_t modnet_cuda_count() {
  int64_t devices = 0;
  guarded([&] {
    if (at::hasCUDA() && c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA))
      devices = c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount();
  });
  return devices;
}

EXPORT int modnet_cuda_synchronize(int64_t index) {
  return guarded([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index)); });
}
