/*===- call.c - calls a function of a package with tensors of Python --------===*/
/* The part of a call that takes time in Python: tensors become DLTensors (through
 * DLPack's table of functions, which the framework hands out), are looked at, and
 * the function is called without the interpreter's lock. CPython's limited API, so
 * that one build serves every Python from 3.10 on. */
/*===----------------------------------------------------------------------===*/
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030A0000
#include <Python.h>
#include <stdint.h>

typedef struct {
  int32_t type, id;
} Device;

typedef struct {
  uint8_t code, bits;
  uint16_t lanes;
} DataType;

typedef struct {
  void *data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} Tensor;

/* DLManagedTensorVersioned. */
typedef struct Managed {
  uint32_t major, minor;
  void *context;
  void (*release)(struct Managed *self);
  uint64_t flags;
  Tensor tensor;
} Managed;

/* DLPackExchangeAPI of DLPack 1.2 and later; what is not used here is opaque. */
typedef struct {
  uint32_t major, minor;
  void *previous;
  int (*allocate)(Tensor *like, Managed **made, void *context,
                  void (*fail)(void *context, const char *kind,
                               const char *text));
  void *from_object, *to_object;
  int (*view)(void *object, Tensor *view);
  int (*stream)(int32_t device_type, int32_t device_id, void **stream);
} Exchange;

typedef struct {
  uint32_t struct_size, flags;
  void *stream, *workspace;
  uint64_t workspace_bytes;
  int32_t device;
} Call;

enum { MostTensors = 24, Alignment = 16 };

static const Exchange *exchange;

static void *addressOf(PyObject *number) {
  return PyLong_AsVoidPtr(number);
}

/* Row-major without gaps, aligned: what a package takes. */
static int isPlain(const Tensor *t) {
  int64_t expected = 1, elements = 1;
  int32_t i;
  for (i = 0; i < t->ndim; ++i)
    elements *= t->shape[i];
  if (elements == 0)
    return 1;
  if (((uintptr_t)t->data + t->byte_offset) % Alignment)
    return 0;
  for (i = t->ndim - 1; t->strides && i >= 0; --i) {
    if (t->shape[i] != 1 && t->strides[i] != expected)
      return 0;
    expected *= t->shape[i];
  }
  return 1;
}

#define V(i) t + (i)
#define V4(i) V(i), V(i + 1), V(i + 2), V(i + 3)
typedef Tensor *T;
typedef int32_t (*Run4)(Call *, T, T, T, T);
typedef int32_t (*Run8)(Call *, T, T, T, T, T, T, T, T);
typedef int32_t (*Run12)(Call *, T, T, T, T, T, T, T, T, T, T, T, T);
typedef int32_t (*Run24)(Call *, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
                         T, T, T, T, T, T, T, T);

/* A caller may pass more arguments than a function reads, by the calling
 * conventions of every processor that packages are made for. */
static int32_t invoke(void *run, Call *call, Tensor *t, Py_ssize_t count) {
  if (count <= 4)
    return ((Run4)run)(call, V4(0));
  if (count <= 8)
    return ((Run8)run)(call, V4(0), V4(4));
  if (count <= 12)
    return ((Run12)run)(call, V4(0), V4(4), V4(8));
  return ((Run24)run)(call, V4(0), V4(4), V4(8), V4(12), V4(16), V4(20));
}

/* Views of the tensors of `list` behind the first `at`; -1 with an exception. */
static Py_ssize_t view(PyObject *list, Tensor *t, Py_ssize_t at) {
  Py_ssize_t i, count = PyList_Size(list);
  if (count < 0)
    return -1;
  if (at + count > MostTensors) {
    PyErr_Format(PyExc_ValueError, "expects at most %d tensors, got %zd",
                 MostTensors, at + count);
    return -1;
  }
  for (i = 0; i < count; ++i)
    if (exchange->view(PyList_GetItem(list, i), t + at + i)) {
      if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "expects tensors, got none at %zd",
                     at + i);
      return -1;
    }
  return at + count;
}

/* The caller asks again with memory of its own, and says what is wrong then. */
static void ignore(void *context, const char *kind, const char *text) {
  (void)context, (void)kind, (void)text;
}

/* The framework's memory beside `like`, in its current stream; null where it
 * hands out none. */
static Managed *allocate(uint64_t bytes, const Tensor *like) {
  int64_t extent = (int64_t)bytes;
  Tensor wanted = {NULL, like->device, 1, {1, 8, 1}, &extent, NULL, 0};
  Managed *made = NULL;
  if (!exchange->allocate || exchange->allocate(&wanted, &made, NULL, ignore))
    return NULL;
  return made;
}

/* call(run, inputs, outputs, workspace, workspace_bytes): what the function
 * returned, -1 - i where input i has to be copied first, or -1 - MostTensors
 * where bytes are needed, `workspace` is 0 and the framework handed out none
 * here. */
static PyObject *call(PyObject *self, PyObject *const *arguments,
                      Py_ssize_t count) {
  Tensor tensors[MostTensors];
  Call options = {sizeof(Call), 0, NULL, NULL, 0, -1};
  Py_ssize_t inputs, all, i;
  Managed *space = NULL;
  int32_t code;
  void *run;
  (void)self;
  if (count != 5 || !exchange || !PyList_Check(arguments[1]) ||
      !PyList_Check(arguments[2])) {
    PyErr_SetString(PyExc_TypeError,
                    "expects use() first, then call(run, inputs, outputs, "
                    "workspace, bytes) with lists of tensors");
    return NULL;
  }
  run = addressOf(arguments[0]);
  options.workspace = addressOf(arguments[3]);
  options.workspace_bytes = PyLong_AsUnsignedLongLong(arguments[4]);
  if (PyErr_Occurred() || (inputs = view(arguments[1], tensors, 0)) < 0 ||
      (all = view(arguments[2], tensors, inputs)) < 0)
    return NULL;
  for (i = 0; i < inputs; ++i)
    if (!isPlain(tensors + i))
      return PyLong_FromSsize_t(-1 - i);
  if (all && tensors[0].device.type != 1) {
    options.device = tensors[0].device.id;
    if (exchange->stream(tensors[0].device.type, tensors[0].device.id,
                         &options.stream)) {
      if (!PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "no stream of the device");
      return NULL;
    }
  }
  if (options.workspace_bytes && !options.workspace) {
    space = all ? allocate(options.workspace_bytes, tensors) : NULL;
    if (!space) {
      PyErr_Clear();
      return PyLong_FromSsize_t(-1 - MostTensors);
    }
    options.workspace = (char *)space->tensor.data + space->tensor.byte_offset;
  }
  Py_BEGIN_ALLOW_THREADS;
  code = invoke(run, &options, tensors, all);
  Py_END_ALLOW_THREADS;
  /* Kernels are queued: the allocator gives it to later ones of this stream. */
  if (space && space->release)
    space->release(space);
  return PyLong_FromLong(code);
}

/* use(capsule): the framework's table of functions. */
static PyObject *use(PyObject *self, PyObject *capsule) {
  const Exchange *found =
      (const Exchange *)PyCapsule_GetPointer(capsule, "dlpack_exchange_api");
  (void)self;
  if (!found)
    return NULL;
  if (found->major != 1 || !found->view || !found->stream) {
    PyErr_Format(PyExc_RuntimeError,
                 "expects a table of DLPack 1 with views and streams, got %d",
                 (int)found->major);
    return NULL;
  }
  exchange = found;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"call", (PyCFunction)(void (*)(void))call, METH_FASTCALL,
     "call(run, inputs, outputs, workspace, bytes) -> code"},
    {"use", use, METH_O, "use(capsule of DLPack's exchange functions)"},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_call", "Calls functions of packages.", -1, methods,
    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__call(void) { return PyModule_Create(&module); }
