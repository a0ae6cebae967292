/*===- Launch.c - the kernels of a call -----------------------------------===*/
/* Evaluates sizes, workspace and grids, and hands the kernels to the driver in
 * their order. Nothing is allocated and nothing waited for, so that a call may
 * be captured in a graph. */
/*===----------------------------------------------------------------------===*/
#include "Error.h"
#include "Load.h"
#include <string.h>

/* CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION */
enum { kClusterAttribute = 4 };
/* Blocks of a grid. */
static const int64_t kMaxGrid[3] = {0x7fffffff, 65535, 65535};

/* The sizes of the kernels, which variant of them is launched, and where each
 * of its workspaces begins. */
typedef struct {
  const VariantInfo *variant;
  int64_t sizes[kMaxSizes];
  int64_t offsets[kMaxArguments];
  int64_t workspaceBytes;
} Plan;

static int32_t evaluateSizes(const Manifest *manifest,
                             const LoadedDevice *loaded,
                             const Operands *operands, Plan *plan) {
  const TargetInfo *target = loaded->target;
  for (int i = 0; i < target->sizes.count; ++i) {
    if (!target->sizeValues[i]) {
      plan->sizes[i] = loaded->multiprocessors;
      continue;
    }
    int unknown = deltanet_find_unknown(target->sizeValues[i], operands->known);
    if (unknown != -1)
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "expects a tensor that says how large %s is",
                           unknown >= 0 ? manifest->sizes.names[unknown]
                                        : target->sizes.names[i]);
    const char *wrong = deltanet_evaluate(target->sizeValues[i],
                                          operands->sizes, &plan->sizes[i]);
    if (wrong)
      return deltanet_fail(DELTANET_ERROR_TENSOR, "the size %s is %s",
                           target->sizes.names[i], wrong);
  }
  return DELTANET_OK;
}

/* The first variant whose condition holds; the last has none. */
static int32_t chooseVariant(const TargetInfo *target, Plan *plan) {
  for (int i = 0; i < target->numVariants; ++i) {
    const VariantInfo *variant = &target->variants[i];
    int64_t low = 0, high = 0;
    plan->variant = variant;
    if (!variant->low)
      break;
    const char *wrong = deltanet_evaluate(variant->low, plan->sizes, &low);
    if (!wrong)
      wrong = deltanet_evaluate(variant->high, plan->sizes, &high);
    if (wrong)
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "the condition of the variant '%s' is %s",
                           variant->name, wrong);
    if (low <= high)
      break;
  }
  return DELTANET_OK;
}

static int32_t placeWorkspaces(const TargetInfo *target, Plan *plan) {
  int64_t total = 0;
  int first = plan->variant->firstWorkspace;
  for (int i = first; i < first + plan->variant->numWorkspaces; ++i) {
    const Element *workspace = &target->workspaces[i];
    int64_t bytes = workspace->bits / 8;
    plan->offsets[i] = total;
    for (int dim = 0; dim < workspace->shape.rank; ++dim) {
      int64_t extent;
      const char *wrong = deltanet_evaluate(workspace->shape.extents[dim],
                                            plan->sizes, &extent);
      if (!wrong &&
          (extent < 0 || __builtin_mul_overflow(bytes, extent, &bytes)))
        wrong = "an overflow";
      if (wrong)
        return deltanet_fail(
            DELTANET_ERROR_TENSOR, "the extent %s of the workspace '%s' is %s",
            workspace->shape.texts[dim], workspace->name, wrong);
    }
    if (__builtin_add_overflow(bytes, kWorkspaceAlignment - 1, &bytes) ||
        __builtin_add_overflow(
            total, bytes / kWorkspaceAlignment * kWorkspaceAlignment, &total))
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "the workspace is larger than memory can be");
  }
  plan->workspaceBytes = total;
  return DELTANET_OK;
}

static int32_t makePlan(const Manifest *manifest, const LoadedDevice *loaded,
                        const Operands *operands, Plan *plan) {
  int32_t code = evaluateSizes(manifest, loaded, operands, plan);
  if (!code)
    code = chooseVariant(loaded->target, plan);
  return code ? code : placeWorkspaces(loaded->target, plan);
}

int32_t deltanet_count_workspace(const Manifest *manifest,
                                 const LoadedDevice *loaded,
                                 const Operands *operands, int64_t *bytes) {
  Plan plan;
  int32_t code = makePlan(manifest, loaded, operands, &plan);
  *bytes = code ? 0 : plan.workspaceBytes;
  return code;
}

static int32_t checkWorkspace(const deltanet_call *call, const Plan *plan) {
  if (plan->workspaceBytes == 0)
    return DELTANET_OK;
  uint64_t given = call && call->workspace ? call->workspace_bytes : 0;
  if (given < (uint64_t)plan->workspaceBytes)
    return deltanet_fail(
        DELTANET_ERROR_WORKSPACE, "expects a workspace of %lld bytes, got %llu",
        (long long)plan->workspaceBytes, (unsigned long long)given);
  if ((uintptr_t)call->workspace % kWorkspaceAlignment)
    return deltanet_fail(DELTANET_ERROR_WORKSPACE,
                         "expects a workspace aligned to %d bytes, got the "
                         "address 0x%llx",
                         kWorkspaceAlignment,
                         (unsigned long long)(uintptr_t)call->workspace);
  return DELTANET_OK;
}

static int32_t evaluateGrid(const KernelInfo *kernel, const Plan *plan,
                            unsigned grid[3]) {
  for (int i = 0; i < 3; ++i) {
    int64_t extent;
    const char *wrong =
        deltanet_evaluate(kernel->grid[i], plan->sizes, &extent);
    if (wrong)
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "extent %d of the grid of '%s' is %s", i,
                           kernel->name, wrong);
    if (extent < 0 || extent > kMaxGrid[i])
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "expects extent %d of the grid of '%s' from 0 to "
                           "%lld, got %lld",
                           i, kernel->name, (long long)kMaxGrid[i],
                           (long long)extent);
    grid[i] = (unsigned)extent;
  }
  return DELTANET_OK;
}

static deltanet_cuda_result launchCluster(const deltanet_cuda *cuda,
                                          const KernelInfo *kernel,
                                          void *function,
                                          const unsigned grid[3], void *stream,
                                          void **parameters) {
  deltanet_cuda_launch_attribute attribute;
  deltanet_cuda_launch_config config;
  memset(&attribute, 0, sizeof attribute);
  memset(&config, 0, sizeof config);
  attribute.id = kClusterAttribute;
  for (int i = 0; i < 3; ++i) {
    attribute.value.cluster[i] = (unsigned)kernel->cluster[i];
    config.grid[i] = grid[i];
    config.block[i] = i ? 1 : (unsigned)kernel->block;
  }
  config.shared_bytes = (unsigned)kernel->shared;
  config.stream = stream;
  config.attributes = &attribute;
  config.num_attributes = 1;
  return cuda->cuLaunchKernelEx(&config, function, parameters, NULL);
}

/* Encodes a tensor map over the tensor at `address`. The driver only writes it
 * down; nothing is allocated, nor does a capture see it. */
static int32_t encodeMap(const deltanet_cuda *cuda, const MapInfo *info,
                         const Element *element, uint64_t address,
                         const Plan *plan, deltanet_cuda_tensor_map *map) {
  uint64_t extents[kMaxMapRank], strides[kMaxMapRank];
  uint32_t steps[kMaxMapRank];
  int empty = 0;
  for (int i = 0; i < info->rank; ++i) {
    int64_t extent, stride = 0;
    const char *wrong =
        deltanet_evaluate(info->extents[i], plan->sizes, &extent);
    if (!wrong && i > 0)
      wrong = deltanet_evaluate(info->strides[i - 1], plan->sizes, &stride);
    if (wrong)
      return deltanet_fail(DELTANET_ERROR_TENSOR,
                           "the tensor map of '%s' has an extent that is %s",
                           element->name, wrong);
    extents[i] = (uint64_t)extent;
    if (i > 0)
      strides[i - 1] = (uint64_t)stride * (element->bits / 8);
    steps[i] = 1;
    empty |= extent == 0;
  }
  memset(map, 0, sizeof *map);
  if (empty)
    return DELTANET_OK; /* nothing is copied, and there is no such map */
  int type = element->code == 4    ? DELTANET_CUDA_MAP_BF16
             : element->bits == 16 ? DELTANET_CUDA_MAP_F16
                                   : DELTANET_CUDA_MAP_F32;
  deltanet_cuda_result result = cuda->cuTensorMapEncodeTiled(
      map, type, (uint32_t)info->rank, (void *)(uintptr_t)address, extents,
      strides, info->box, steps, 0,
      info->swizzle ? DELTANET_CUDA_MAP_SWIZZLE_128 : 0,
      DELTANET_CUDA_MAP_PROMOTE_256, 0);
  if (result)
    return deltanet_fail(DELTANET_ERROR_DRIVER,
                         "no tensor map of '%s' can be made: %s (%d)",
                         element->name, deltanet_cuda_error(result), result);
  return DELTANET_OK;
}

/* Where an argument that is no size lies. */
static uint64_t getAddress(KernelArgument argument, const deltanet_call *call,
                           const Operands *operands, const Plan *plan) {
  if (argument.role == kWorkspace)
    return (uint64_t)(uintptr_t)call->workspace +
           (uint64_t)plan->offsets[argument.index];
  const DLTensor *tensor = operands->tensors[argument.index];
  return tensor ? (uint64_t)(uintptr_t)deltanet_tensor_data(tensor) : 0;
}

static int32_t launchKernel(const deltanet_cuda *cuda, const Manifest *manifest,
                            const TargetInfo *target, const KernelInfo *kernel,
                            void *function, const deltanet_call *call,
                            const Operands *operands, const Plan *plan) {
  unsigned grid[3];
  int32_t code = evaluateGrid(kernel, plan, grid);
  if (code || grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
    return code; /* no blocks: nothing to compute */
  uint64_t values[kMaxKernelArguments];
  void *parameters[kMaxKernelArguments];
  deltanet_cuda_tensor_map maps[kMaxMaps];
  int numMaps = 0;
  for (int i = 0; i < kernel->numArguments && !code; ++i) {
    KernelArgument argument = kernel->arguments[i];
    parameters[i] = &values[i];
    if (argument.role == kSizeValue) {
      values[i] = (uint64_t)plan->sizes[argument.index];
      continue;
    }
    values[i] = getAddress(argument, call, operands, plan);
    if (argument.map) {
      const Element *element =
          argument.role == kWorkspace
              ? &target->workspaces[argument.index]
              : &manifest->arguments[argument.index].element;
      parameters[i] = &maps[numMaps];
      code = encodeMap(cuda, argument.map, element, values[i], plan,
                       &maps[numMaps++]);
    }
  }
  if (code)
    return code;
  void *stream = call ? call->stream : NULL;
  deltanet_cuda_result result =
      kernel->cluster[0]
          ? launchCluster(cuda, kernel, function, grid, stream, parameters)
          : cuda->cuLaunchKernel(
                function, grid[0], grid[1], grid[2], (unsigned)kernel->block, 1,
                1, (unsigned)kernel->shared, stream, parameters, NULL);
  if (result)
    return deltanet_fail(
        DELTANET_ERROR_DRIVER,
        "the launch of '%s' with a grid of %u x %u x %u failed: %s (%d)",
        kernel->name, grid[0], grid[1], grid[2], deltanet_cuda_error(result),
        result);
  return DELTANET_OK;
}

/* Makes a context of the device current where none is. Sets whether kernels of
 * the primary context can be launched, and whether there is one to pop. */
static int32_t enterContext(const deltanet_cuda *cuda,
                            const LoadedDevice *loaded, int *isPrimary,
                            int *pushed) {
  void *current = NULL;
  deltanet_cuda_device device;
  cuda->cuCtxGetCurrent(&current);
  *pushed = 0;
  *isPrimary = current == loaded->primary;
  if (*isPrimary ||
      (current && loaded->library && cuda->cuCtxGetDevice(&device) == 0 &&
       device == loaded->handle))
    return DELTANET_OK;
  deltanet_cuda_result result = cuda->cuCtxPushCurrent(loaded->primary);
  if (result)
    return deltanet_fail(DELTANET_ERROR_DRIVER,
                         "the device's context cannot be used: %s (%d)",
                         deltanet_cuda_error(result), result);
  *pushed = *isPrimary = 1;
  return DELTANET_OK;
}

int32_t deltanet_launch(const Manifest *manifest, const LoadedDevice *loaded,
                        const deltanet_call *call, const Operands *operands) {
  Plan plan;
  const TargetInfo *target = loaded->target;
  int32_t code = makePlan(manifest, loaded, operands, &plan);
  if (!code)
    code = checkWorkspace(call, &plan);
  const deltanet_cuda *cuda = code ? NULL : deltanet_open_cuda();
  if (!cuda)
    return code ? code : DELTANET_ERROR_DEVICE;
  int isPrimary, pushed;
  code = enterContext(cuda, loaded, &isPrimary, &pushed);
  int first = plan.variant->firstKernel;
  for (int i = first; !code && i < first + plan.variant->numKernels; ++i)
    code = launchKernel(cuda, manifest, target, &target->kernels[i],
                        isPrimary ? loaded->functions[i] : loaded->kernels[i],
                        call, operands, &plan);
  if (pushed) {
    void *popped;
    cuda->cuCtxPopCurrent(&popped);
  }
  return code;
}
