/*===- Tensors.c - the tensors of a call, checked -------------------------===*/
/* Everything that a kernel takes for granted is checked here, before anything
 * is launched. A sentence names the tensor, the rule and the fact. */
/*===----------------------------------------------------------------------===*/
#include "Tensors.h"
#include "Error.h"
#include <stdio.h>
#include <string.h>

/* Which tensor said first how large a size is. */
typedef struct {
  int argument, dim;
} Origin;

typedef struct {
  const Manifest *manifest;
  Operands *operands;
  Origin origins[kMaxSizes];
} Checker;

void *deltanet_tensor_data(const DLTensor *tensor) {
  return (char *)tensor->data + tensor->byte_offset;
}

static const DLTensor *tensorOf(const Checker *checker, int argument) {
  return checker->operands->tensors[argument];
}

static const char *nameOf(const Checker *checker, int argument) {
  return checker->manifest->arguments[argument].element.name;
}

/*===----------------------------------------------------------------------===*/
/* One tensor                                                                 */
/*===----------------------------------------------------------------------===*/

static int32_t checkType(const Element *element, const DLTensor *tensor) {
  static const char *const kinds[] = {"signed integer", "unsigned integer",
                                      "float", "handle", "bfloat"};
  DLDataType type = tensor->dtype;
  if (type.code == element->code && type.bits == element->bits &&
      type.lanes == 1)
    return DELTANET_OK;
  return deltanet_fail(
      DELTANET_ERROR_TENSOR, "expects '%s' of type %s, got %s of %d bits%s",
      element->name, element->type,
      type.code < sizeof kinds / sizeof *kinds ? kinds[type.code]
                                               : "a type of another kind",
      type.bits, type.lanes == 1 ? "" : " in several lanes");
}

/* Whether the elements lie in row-major order without gaps, and how many bytes
 * they are. */
static int32_t checkStrides(const Element *element, const DLTensor *tensor,
                            int64_t *bytes) {
  int64_t count = 1;
  int empty = 0;
  for (int dim = 0; dim < tensor->ndim; ++dim) {
    int64_t extent = tensor->shape[dim];
    if (extent < 0)
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "expects extents of at least 0, got %lld in "
                           "dimension %d of '%s'",
                           (long long)extent, dim, element->name);
    empty |= extent == 0;
  }
  for (int dim = tensor->ndim; dim-- > 0 && !empty;) {
    int64_t extent = tensor->shape[dim];
    if (tensor->strides && extent > 1 && tensor->strides[dim] != count)
      return deltanet_fail(
          DELTANET_ERROR_TENSOR,
          "expects '%s' in row-major order without gaps; the stride of "
          "dimension %d is %lld, not %lld",
          element->name, dim, (long long)tensor->strides[dim],
          (long long)count);
    if (__builtin_mul_overflow(count, extent, &count))
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "'%s' has more elements than memory can have",
                           element->name);
  }
  if (__builtin_mul_overflow(empty ? 0 : count, (int64_t)element->bits / 8,
                             bytes))
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "'%s' has more bytes than memory can have",
                         element->name);
  return DELTANET_OK;
}

static int32_t checkData(const Element *element, const DLTensor *tensor,
                         int64_t bytes) {
  if (bytes == 0)
    return DELTANET_OK;
  if (!tensor->data)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects data of '%s', which has %lld bytes, got NULL",
                         element->name, (long long)bytes);
  uintptr_t address = (uintptr_t)deltanet_tensor_data(tensor);
  if (address % kTensorAlignment)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects '%s' aligned to %d bytes, got the address "
                         "0x%llx",
                         element->name, kTensorAlignment,
                         (unsigned long long)address);
  return DELTANET_OK;
}

static int32_t checkDevice(Checker *checker, int argument, int first) {
  Operands *operands = checker->operands;
  DLDevice device = tensorOf(checker, argument)->device;
  int isGPU =
      device.device_type == kDLCUDA || device.device_type == kDLCUDAManaged;
  if (!isGPU && device.device_type != kDLCPU &&
      device.device_type != kDLCUDAHost)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects '%s' in memory of the processor or of a CUDA "
                         "device, got DLPack's device type %d",
                         nameOf(checker, argument), device.device_type);
  if (first < 0) {
    operands->isGPU = isGPU;
    operands->device = isGPU ? device.device_id : 0;
    return DELTANET_OK;
  }
  if (isGPU != operands->isGPU ||
      (isGPU && device.device_id != operands->device)) {
    char here[32] = "the processor", there[32] = "the processor";
    if (isGPU)
      snprintf(here, sizeof here, "CUDA device %d", device.device_id);
    if (operands->isGPU)
      snprintf(there, sizeof there, "CUDA device %d", operands->device);
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects all tensors on one device; '%s' is on %s, "
                         "'%s' on %s",
                         nameOf(checker, argument), here,
                         nameOf(checker, first), there);
  }
  return DELTANET_OK;
}

/* All of one tensor that no other tensor has a say in. */
static int32_t checkAlone(Checker *checker, int argument, int data,
                          int64_t *bytes) {
  const Element *element = &checker->manifest->arguments[argument].element;
  const DLTensor *tensor = tensorOf(checker, argument);
  int32_t code = checkType(element, tensor);
  if (code)
    return code;
  if (tensor->ndim != element->shape.rank)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects '%s' with %d dimensions, got %d",
                         element->name, element->shape.rank, tensor->ndim);
  if (tensor->ndim > 0 && !tensor->shape)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects a shape of '%s', got NULL", element->name);
  code = checkStrides(element, tensor, bytes);
  return code || !data ? code : checkData(element, tensor, *bytes);
}

/*===----------------------------------------------------------------------===*/
/* Shapes against each other                                                  */
/*===----------------------------------------------------------------------===*/

/* Binds the one size that this extent leaves open: a * size + b is the extent.
 * Returns whether it did. */
static int bindSize(Checker *checker, int argument, int dim) {
  Operands *operands = checker->operands;
  const deltanet_expression *expression =
      checker->manifest->arguments[argument].element.shape.extents[dim];
  int size = deltanet_find_unknown(expression, operands->known);
  if (size < 0)
    return 0;
  int64_t at0, at1, extent = tensorOf(checker, argument)->shape[dim], factor,
                    rest;
  operands->sizes[size] = 0;
  if (deltanet_evaluate(expression, operands->sizes, &at0))
    return 0;
  operands->sizes[size] = 1;
  if (deltanet_evaluate(expression, operands->sizes, &at1) ||
      __builtin_sub_overflow(at1, at0, &factor) || factor <= 0 ||
      __builtin_sub_overflow(extent, at0, &rest) || rest < 0 || rest % factor)
    return 0;
  operands->sizes[size] = rest / factor;
  operands->known[size] = 1;
  checker->origins[size].argument = argument;
  checker->origins[size].dim = dim;
  return 1;
}

/* Says that an extent is not what the others make it. */
static int32_t refuseExtent(Checker *checker, int argument, int dim,
                            int64_t expected) {
  const Manifest *manifest = checker->manifest;
  const Shape *shape = &manifest->arguments[argument].element.shape;
  const char *text = shape->texts[dim];
  long long got = (long long)tensorOf(checker, argument)->shape[dim];
  /* A size in it, said by another tensor, if there is one. */
  unsigned char none[kMaxSizes] = {0};
  int size = deltanet_find_unknown(shape->extents[dim], none);
  if (size < 0)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects dimension %d of '%s' to be %s%s%lld, got "
                         "%lld",
                         dim, nameOf(checker, argument), size == -1 ? "" : text,
                         size == -1 ? "" : " = ", (long long)expected, got);
  Origin origin = checker->origins[size];
  return deltanet_fail(
      DELTANET_ERROR_TENSOR,
      "expects dimension %d of '%s' to be %s = %lld, because dimension %d of "
      "'%s' is %lld; got %lld",
      dim, nameOf(checker, argument), text, (long long)expected, origin.dim,
      nameOf(checker, origin.argument),
      (long long)tensorOf(checker, origin.argument)->shape[origin.dim], got);
}

static int32_t checkExtent(Checker *checker, int argument, int dim) {
  const Shape *shape = &checker->manifest->arguments[argument].element.shape;
  int64_t expected, got = tensorOf(checker, argument)->shape[dim];
  if (deltanet_find_unknown(shape->extents[dim], checker->operands->known) !=
      -1)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "expects dimension %d of '%s' to be %s, got %lld", dim,
                         nameOf(checker, argument), shape->texts[dim],
                         (long long)got);
  const char *wrong = deltanet_evaluate(shape->extents[dim],
                                        checker->operands->sizes, &expected);
  if (wrong)
    return deltanet_fail(DELTANET_ERROR_TENSOR,
                         "dimension %d of '%s' is %s, which is %s", dim,
                         nameOf(checker, argument), shape->texts[dim], wrong);
  if (expected != got)
    return refuseExtent(checker, argument, dim, expected);
  return DELTANET_OK;
}

static int32_t checkShapes(Checker *checker) {
  const Manifest *manifest = checker->manifest;
  int changed = 1;
  while (changed) {
    changed = 0;
    for (int i = 0; i < manifest->numArguments; ++i)
      if (tensorOf(checker, i))
        for (int dim = 0; dim < manifest->arguments[i].element.shape.rank;
             ++dim)
          changed |= bindSize(checker, i, dim);
  }
  for (int i = 0; i < manifest->numArguments; ++i)
    if (tensorOf(checker, i))
      for (int dim = 0; dim < manifest->arguments[i].element.shape.rank;
           ++dim) {
        int32_t code = checkExtent(checker, i, dim);
        if (code)
          return code;
      }
  for (int i = 0; i < manifest->numConditions; ++i) {
    int64_t value;
    const char *wrong = deltanet_evaluate(manifest->conditions[i].value,
                                          checker->operands->sizes, &value);
    if (wrong || value != 0)
      return deltanet_fail(DELTANET_ERROR_TENSOR, "expects that %s",
                           manifest->conditions[i].rule);
  }
  return DELTANET_OK;
}

/*===----------------------------------------------------------------------===*/
/* Memory against each other                                                  */
/*===----------------------------------------------------------------------===*/

static int mayAlias(const Manifest *manifest, int input, int output) {
  for (int i = 0; i < manifest->numAliases; ++i)
    if (manifest->aliases[i].input == input &&
        manifest->aliases[i].output == output)
      return 1;
  return 0;
}

/* What is written is nobody else's, but for a state that is updated in place.
 */
static int32_t checkOverlap(Checker *checker, const int64_t *bytes) {
  const Manifest *manifest = checker->manifest;
  for (int o = 0; o < manifest->numArguments; ++o) {
    if (manifest->arguments[o].role != kOutput || !tensorOf(checker, o) ||
        bytes[o] == 0)
      continue;
    const char *begin = deltanet_tensor_data(tensorOf(checker, o)),
               *end = begin + bytes[o];
    for (int i = 0; i < manifest->numArguments; ++i) {
      if (i == o || !tensorOf(checker, i) || bytes[i] == 0)
        continue;
      const char *other = deltanet_tensor_data(tensorOf(checker, i));
      if (other >= end || other + bytes[i] <= begin ||
          (other == begin && mayAlias(manifest, i, o)))
        continue;
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "expects '%s', which is written, in memory of its "
                           "own; it overlaps '%s'",
                           nameOf(checker, o), nameOf(checker, i));
    }
  }
  return DELTANET_OK;
}

/* Offsets that can be read here rise from 0 to the number of tokens. */
static int32_t checkOffsets(Checker *checker) {
  const Manifest *manifest = checker->manifest;
  for (int i = 0; i < manifest->numArguments; ++i) {
    const ArgumentInfo *argument = &manifest->arguments[i];
    const DLTensor *tensor = tensorOf(checker, i);
    if (!argument->offsetsEnd || !tensor)
      continue;
    int64_t end, last = 0;
    if (deltanet_evaluate(argument->offsetsEnd, checker->operands->sizes, &end))
      continue;
    const void *data = deltanet_tensor_data(tensor);
    int64_t count = tensor->shape[0];
    for (int64_t k = 0; k < count; ++k) {
      int64_t value = argument->element.bits == 32
                          ? (int64_t)((const int32_t *)data)[k]
                          : ((const int64_t *)data)[k];
      if ((k == 0 && value != 0) || value < last ||
          (k + 1 == count && value != end))
        return deltanet_fail(
            DELTANET_ERROR_TENSOR,
            "expects '%s' to rise from 0 to the %lld tokens; entry %lld is "
            "%lld",
            argument->element.name, (long long)end, (long long)k,
            (long long)value);
      last = value;
    }
  }
  return DELTANET_OK;
}

int32_t deltanet_check_tensors(const Manifest *manifest,
                               const DLTensor *const *tensors, int32_t count,
                               int data, Operands *operands) {
  Checker checker;
  int64_t bytes[kMaxArguments] = {0};
  int first = -1;
  memset(operands, 0, sizeof *operands);
  operands->tensors = tensors;
  checker.manifest = manifest;
  checker.operands = operands;
  if (count != manifest->numArguments)
    return deltanet_fail(DELTANET_ERROR_TENSOR, "expects %d tensors, got %d",
                         manifest->numArguments, count);
  for (int i = 0; i < count; ++i) {
    if (!tensors[i]) {
      if (manifest->arguments[i].optional)
        continue;
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "expects a tensor as '%s', got NULL",
                           manifest->arguments[i].element.name);
    }
    int32_t code = checkAlone(&checker, i, data, &bytes[i]);
    if (!code)
      code = checkDevice(&checker, i, first);
    if (code)
      return code;
    if (first < 0)
      first = i;
  }
  int32_t code = checkShapes(&checker);
  if (!code && data)
    code = checkOverlap(&checker, bytes);
  if (!code && data && !operands->isGPU)
    code = checkOffsets(&checker);
  return code;
}
