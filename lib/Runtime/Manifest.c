/*===- Manifest.c - what a package says of itself, read -------------------===*/
/* See Manifest.h. A manifest that does not suit is refused as a whole, with the
 * entry that does not: a package is never half used. */
/*===----------------------------------------------------------------------===*/
#include "Manifest.h"
#include "Error.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ExpressionList {
  deltanet_expression *expression;
  ExpressionList *next;
};

/* Errors end the reading at once. */
typedef struct {
  Manifest *manifest;
  const deltanet_package *package;
  jmp_buf stop;
} Reader;

#define REFUSE(reader, ...)                                                    \
  do {                                                                         \
    deltanet_fail(DELTANET_ERROR_PACKAGE, __VA_ARGS__);                        \
    longjmp((reader)->stop, 1);                                                \
  } while (0)

static void *allocate(Reader *reader, int count, size_t bytes) {
  void *memory = deltanet_arena_allocate(
      &reader->manifest->arena, (size_t)(count > 0 ? count : 1), bytes);
  if (!memory) {
    deltanet_fail(DELTANET_ERROR_MEMORY, "no memory for the manifest");
    longjmp(reader->stop, 1);
  }
  return memory;
}

static const Json *get(Reader *reader, const Json *object, const char *name,
                       JsonKind kind) {
  static const char *const kinds[] = {"null",     "true or false", "an integer",
                                      "a number", "a text",        "a list",
                                      "an object"};
  const Json *value = deltanet_json_get(object, name);
  if (!value || value->kind != kind)
    REFUSE(reader, "expects %s as '%s' in the manifest", kinds[kind], name);
  return value;
}

static const char *getText(Reader *reader, const Json *object,
                           const char *name) {
  return get(reader, object, name, kJsonText)->text;
}

static int64_t getNumber(Reader *reader, const Json *object, const char *name,
                         int64_t low, int64_t high) {
  int64_t value = get(reader, object, name, kJsonInteger)->integer;
  if (value < low || value > high)
    REFUSE(reader, "expects '%s' of the manifest from %lld to %lld, got %lld",
           name, (long long)low, (long long)high, (long long)value);
  return value;
}

static const Json *getList(Reader *reader, const Json *object, const char *name,
                           int limit) {
  const Json *list = get(reader, object, name, kJsonList);
  if (list->count > limit)
    REFUSE(reader, "expects at most %d '%s' in the manifest, got %d", limit,
           name, list->count);
  return list;
}

static const char *getEntryText(Reader *reader, const Json *entry,
                                const char *list) {
  /* A whole number is an expression, too. */
  if (entry->kind != kJsonText && entry->kind != kJsonInteger)
    REFUSE(reader, "expects texts in '%s' of the manifest", list);
  return entry->text;
}

static int findSize(void *context, const char *name, size_t length) {
  const SizeNames *sizes = context;
  for (int i = 0; i < sizes->count; ++i)
    if (strlen(sizes->names[i]) == length &&
        strncmp(sizes->names[i], name, length) == 0)
      return i;
  return -1;
}

static deltanet_expression *parse(Reader *reader, const char *text,
                                  SizeNames *sizes) {
  char error[256];
  ExpressionList *entry = allocate(reader, 1, sizeof *entry);
  entry->expression =
      deltanet_parse(text, findSize, sizes, error, sizeof error);
  if (!entry->expression)
    REFUSE(reader, "in the manifest: %s", error);
  entry->next = reader->manifest->expressions;
  reader->manifest->expressions = entry;
  return entry->expression;
}

static void readShape(Reader *reader, const Json *object, SizeNames *sizes,
                      Shape *shape) {
  const Json *list = getList(reader, object, "shape", kMaxRank);
  for (const Json *entry = list->first; entry; entry = entry->next) {
    shape->texts[shape->rank] = getEntryText(reader, entry, "shape");
    shape->extents[shape->rank] =
        parse(reader, shape->texts[shape->rank], sizes);
    shape->kinds[shape->rank] = deltanet_classify(shape->extents[shape->rank],
                                                  &shape->values[shape->rank]);
    ++shape->rank;
  }
}

static void readElement(Reader *reader, const Json *object, SizeNames *sizes,
                        Element *element) {
  static const struct {
    const char *name;
    uint8_t code, bits;
  } types[] = {{"bf16", 4, 16}, {"f16", 2, 16}, {"f32", 2, 32}, {"f64", 2, 64},
               {"i8", 0, 8},    {"i32", 0, 32}, {"i64", 0, 64}};
  element->name = getText(reader, object, "name");
  element->type = getText(reader, object, "type");
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i)
    if (strcmp(types[i].name, element->type) == 0) {
      element->code = types[i].code;
      element->bits = types[i].bits;
    }
  if (!element->bits)
    REFUSE(reader, "expects a type that the runtime knows for '%s', got '%s'",
           element->name, element->type);
  readShape(reader, object, sizes, &element->shape);
}

static void readNames(Reader *reader, const Json *list, SizeNames *names) {
  for (const Json *entry = list->first; entry; entry = entry->next)
    names->names[names->count++] = getEntryText(reader, entry, "sizes");
}

static void readArguments(Reader *reader, const Json *root) {
  Manifest *manifest = reader->manifest;
  readNames(reader, getList(reader, root, "sizes", kMaxSizes),
            &manifest->sizes);
  const Json *list = getList(reader, root, "arguments", kMaxArguments);
  manifest->arguments = allocate(reader, list->count, sizeof(ArgumentInfo));
  for (const Json *entry = list->first; entry; entry = entry->next) {
    ArgumentInfo *argument = &manifest->arguments[manifest->numArguments++];
    readElement(reader, entry, &manifest->sizes, &argument->element);
    const char *role = getText(reader, entry, "role");
    if (strcmp(role, "input") != 0 && strcmp(role, "output") != 0)
      REFUSE(reader, "expects '%s' as input or output, got '%s'",
             argument->element.name, role);
    argument->role = strcmp(role, "input") == 0 ? kInput : kOutput;
    argument->optional =
        (int)get(reader, entry, "optional", kJsonBool)->integer;
    if (deltanet_json_get(entry, "offsets_end"))
      argument->offsetsEnd = parse(
          reader, getText(reader, entry, "offsets_end"), &manifest->sizes);
  }
}

static int findArgument(const Manifest *manifest, const char *name) {
  for (int i = 0; i < manifest->numArguments; ++i)
    if (strcmp(manifest->arguments[i].element.name, name) == 0)
      return i;
  return -1;
}

static int getArgument(Reader *reader, const Json *object, const char *name) {
  const char *text = getText(reader, object, name);
  int index = findArgument(reader->manifest, text);
  if (index < 0)
    REFUSE(reader, "expects an argument of the function as '%s', got '%s'",
           name, text);
  return index;
}

static void readRules(Reader *reader, const Json *root) {
  Manifest *manifest = reader->manifest;
  const Json *list = get(reader, root, "conditions", kJsonList);
  manifest->conditions = allocate(reader, list->count, sizeof(Condition));
  for (const Json *entry = list->first; entry; entry = entry->next) {
    Condition *condition = &manifest->conditions[manifest->numConditions++];
    condition->value =
        parse(reader, getText(reader, entry, "zero"), &manifest->sizes);
    condition->rule = getText(reader, entry, "rule");
  }
  list = get(reader, root, "aliases", kJsonList);
  manifest->aliases = allocate(reader, list->count, sizeof(Alias));
  for (const Json *entry = list->first; entry; entry = entry->next) {
    Alias *alias = &manifest->aliases[manifest->numAliases++];
    alias->input = getArgument(reader, entry, "input");
    alias->output = getArgument(reader, entry, "output");
  }
}

static void readKernelArgument(Reader *reader, const Json *entry,
                               TargetInfo *target, const VariantInfo *variant,
                               KernelArgument *argument) {
  const char *role = getText(reader, entry, "role"),
             *name = getText(reader, entry, "name");
  argument->index = -1;
  if (strcmp(role, "size") == 0) {
    argument->role = kSizeValue;
    argument->index = findSize(&target->sizes, name, strlen(name));
  } else if (strcmp(role, "workspace") == 0) {
    argument->role = kWorkspace;
    for (int i = 0; i < variant->numWorkspaces; ++i) {
      int index = variant->firstWorkspace + i;
      if (strcmp(target->workspaces[index].name, name) == 0)
        argument->index = index;
    }
  } else if (strcmp(role, "input") == 0 || strcmp(role, "output") == 0) {
    argument->role = strcmp(role, "input") == 0 ? kInput : kOutput;
    argument->index = findArgument(reader->manifest, name);
  } else {
    REFUSE(reader,
           "expects a kernel's argument '%s' to be input, output, size or "
           "workspace, got '%s'",
           name, role);
  }
  if (argument->index < 0)
    REFUSE(reader, "expects something that the manifest lists as %s '%s'", role,
           name);
}

/* Reads a list of as many expressions as the map has dimensions, or one less.
 */
static void readMapTexts(Reader *reader, const Json *json, const char *name,
                         int count, SizeNames *sizes,
                         deltanet_expression **expressions) {
  const Json *list = getList(reader, json, name, kMaxMapRank);
  if (list->count != count)
    REFUSE(reader, "expects %d '%s' of a tensor map, got %d", count, name,
           list->count);
  for (const Json *e = list->first; e; e = e->next)
    *expressions++ = parse(reader, getEntryText(reader, e, name), sizes);
}

static MapInfo *readMap(Reader *reader, const Json *json, SizeNames *sizes) {
  MapInfo *map = allocate(reader, 1, sizeof *map);
  map->rank = getList(reader, json, "extents", kMaxMapRank)->count;
  if (map->rank == 0)
    REFUSE(reader, "expects a tensor map with dimensions");
  readMapTexts(reader, json, "extents", map->rank, sizes, map->extents);
  readMapTexts(reader, json, "strides", map->rank - 1, sizes, map->strides);
  const Json *box = getList(reader, json, "box", kMaxMapRank);
  int i = 0;
  for (const Json *e = box->first; e; e = e->next)
    map->box[i++] = (uint32_t)e->integer;
  map->swizzle = getNumber(reader, json, "swizzle", 0, 128);
  if (i != map->rank || (map->swizzle != 0 && map->swizzle != 128))
    REFUSE(reader,
           "expects a tensor map with a box of %d extents and a swizzle "
           "of 0 or 128 bytes",
           map->rank);
  return map;
}

static void readKernel(Reader *reader, const Json *entry, TargetInfo *target,
                       const VariantInfo *variant, KernelInfo *kernel) {
  kernel->name = getText(reader, entry, "kernel");
  kernel->block = getNumber(reader, entry, "block", 1, 1024);
  kernel->shared = getNumber(reader, entry, "shared", 0, INT32_MAX);
  const Json *grid = getList(reader, entry, "grid", 3);
  if (grid->count != 3)
    REFUSE(reader, "expects three extents of the grid of '%s', got %d",
           kernel->name, grid->count);
  int i = 0;
  for (const Json *e = grid->first; e; e = e->next)
    kernel->grid[i++] =
        parse(reader, getEntryText(reader, e, "grid"), &target->sizes);
  if (deltanet_json_get(entry, "cluster")) {
    const Json *cluster = getList(reader, entry, "cluster", 3);
    i = 0;
    for (const Json *e = cluster->first; e; e = e->next)
      kernel->cluster[i++] = e->integer;
    if (i != 3 || kernel->cluster[0] < 1 || kernel->cluster[1] < 1 ||
        kernel->cluster[2] < 1)
      REFUSE(reader, "expects three positive extents of the cluster of '%s'",
             kernel->name);
  }
  const Json *list = getList(reader, entry, "arguments", kMaxKernelArguments);
  kernel->arguments = allocate(reader, list->count, sizeof(KernelArgument));
  for (const Json *e = list->first; e; e = e->next) {
    KernelArgument *argument = &kernel->arguments[kernel->numArguments++];
    readKernelArgument(reader, e, target, variant, argument);
    const Json *map = deltanet_json_get(e, "map");
    if (!map)
      continue;
    if (argument->role == kSizeValue || ++kernel->numMaps > kMaxMaps)
      REFUSE(reader, "expects at most %d tensor maps of '%s', all of tensors",
             kMaxMaps, kernel->name);
    argument->map = readMap(reader, map, &target->sizes);
  }
}

/* The two sides of `low <= high`. */
static void readCondition(Reader *reader, const Json *entry, TargetInfo *target,
                          VariantInfo *variant) {
  const char *text = getText(reader, entry, "when"), *sign = strstr(text, "<=");
  if (!sign || strstr(sign + 2, "<="))
    REFUSE(reader,
           "expects a condition with one '<=' as 'when' of the variant '%s', "
           "got '%s'",
           variant->name, text);
  size_t length = (size_t)(sign - text);
  char *low = allocate(reader, (int)length + 1, 1);
  memcpy(low, text, length);
  low[length] = 0;
  variant->low = parse(reader, low, &target->sizes);
  variant->high = parse(reader, sign + 2, &target->sizes);
}

/* Kernels and workspaces of one variant, behind those read before. */
static void readVariant(Reader *reader, const Json *entry, TargetInfo *target,
                        VariantInfo *variant) {
  variant->firstWorkspace = target->numWorkspaces;
  variant->firstKernel = target->numKernels;
  const Json *workspaces = get(reader, entry, "workspace", kJsonList);
  for (const Json *e = workspaces->first; e; e = e->next) {
    readElement(reader, e, &target->sizes,
                &target->workspaces[target->numWorkspaces++]);
    ++variant->numWorkspaces;
  }
  const Json *kernels = get(reader, entry, "kernels", kJsonList);
  for (const Json *e = kernels->first; e; e = e->next) {
    readKernel(reader, e, target, variant,
               &target->kernels[target->numKernels++]);
    ++variant->numKernels;
  }
}

/* How many entries the lists `name` of a target and its variants have. */
static int countEntries(Reader *reader, const Json *entry, const Json *variants,
                        const char *name, int limit) {
  int count = get(reader, entry, name, kJsonList)->count;
  for (const Json *e = variants ? variants->first : NULL; e; e = e->next)
    count += get(reader, e, name, kJsonList)->count;
  if (count > limit)
    REFUSE(reader,
           "expects at most %d '%s' of a target and its variants in the "
           "manifest, got %d",
           limit, name, count);
  return count;
}

/* The variants with conditions, then what the target itself has. */
static void readVariants(Reader *reader, const Json *entry,
                         TargetInfo *target) {
  const Json *list = NULL;
  if (deltanet_json_get(entry, "variants"))
    list = getList(reader, entry, "variants", kMaxVariants);
  target->workspaces = allocate(
      reader, countEntries(reader, entry, list, "workspace", kMaxArguments),
      sizeof(Element));
  target->kernels = allocate(
      reader, countEntries(reader, entry, list, "kernels", kMaxKernels),
      sizeof(KernelInfo));
  target->variants =
      allocate(reader, (list ? list->count : 0) + 1, sizeof(VariantInfo));
  for (const Json *e = list ? list->first : NULL; e; e = e->next) {
    VariantInfo *variant = &target->variants[target->numVariants++];
    variant->name = getText(reader, e, "name");
    readCondition(reader, e, target, variant);
    readVariant(reader, e, target, variant);
  }
  readVariant(reader, entry, target, &target->variants[target->numVariants++]);
}

static void readBinaries(Reader *reader, const Json *entry,
                         TargetInfo *target) {
  const Json *list = get(reader, entry, "binaries", kJsonList);
  target->binaries = allocate(reader, list->count, sizeof(Binary));
  for (const Json *e = list->first; e; e = e->next) {
    Binary *binary = &target->binaries[target->numBinaries++];
    const char *kind = getText(reader, e, "kind");
    if (strcmp(kind, "cubin") != 0 && strcmp(kind, "ptx") != 0)
      REFUSE(reader, "expects binaries of kind cubin or ptx, got '%s'", kind);
    binary->kind = strcmp(kind, "cubin") == 0 ? kCubin : kPTX;
    binary->blob = (int)getNumber(reader, e, "blob", 0,
                                  (int64_t)reader->package->num_blobs - 1);
  }
}

static void readGPU(Reader *reader, const Json *entry, TargetInfo *target) {
  Manifest *manifest = reader->manifest;
  target->capability =
      getNumber(reader, entry, "compute_capability", 10, 10000);
  target->specific = (int)get(reader, entry, "specific", kJsonBool)->integer;
  readBinaries(reader, entry, target);
  const Json *sizes = getList(reader, entry, "sizes", kMaxSizes);
  for (const Json *e = sizes->first; e; e = e->next) {
    if (!deltanet_json_get(e, "device"))
      target->sizeValues[target->sizes.count] =
          parse(reader, getText(reader, e, "is"), &manifest->sizes);
    else if (strcmp(getText(reader, e, "device"), "multiprocessors") != 0)
      REFUSE(reader,
             "expects a size that is the device's to be "
             "multiprocessors, got '%s'",
             getText(reader, e, "device"));
    target->sizes.names[target->sizes.count++] = getText(reader, e, "name");
  }
  readVariants(reader, entry, target);
}

static void readTargets(Reader *reader, const Json *root) {
  Manifest *manifest = reader->manifest;
  const Json *list = get(reader, root, "targets", kJsonList);
  manifest->targets = allocate(reader, list->count, sizeof(TargetInfo));
  for (const Json *entry = list->first; entry; entry = entry->next) {
    TargetInfo *target = &manifest->targets[manifest->numTargets++];
    target->name = getText(reader, entry, "name");
    const char *kind = getText(reader, entry, "kind");
    target->isGPU = strcmp(kind, "gpu") == 0;
    if (target->isGPU) {
      readGPU(reader, entry, target);
      continue;
    }
    if (strcmp(kind, "cpu") != 0)
      REFUSE(reader, "expects targets of kind cpu or gpu, got '%s'", kind);
    target->architecture = getText(reader, entry, "architecture");
    const Json *needs = get(reader, entry, "needs", kJsonList);
    target->needs = allocate(reader, needs->count, sizeof(char *));
    for (const Json *e = needs->first; e; e = e->next)
      target->needs[target->numNeeds++] = getEntryText(reader, e, "needs");
  }
}

static void readAll(Reader *reader) {
  char error[256];
  const Json *root = deltanet_read_json(
      &reader->manifest->arena, reader->package->manifest, error, sizeof error);
  if (!root)
    REFUSE(reader, "the manifest is not JSON: %s", error);
  if (getNumber(reader, root, "format", 0, INT32_MAX) != 1)
    REFUSE(reader, "expects a manifest of format 1, got %lld",
           (long long)deltanet_json_get(root, "format")->integer);
  reader->manifest->name = getText(reader, root, "name");
  readArguments(reader, root);
  readRules(reader, root);
  readTargets(reader, root);
}

Manifest *deltanet_read_manifest(const deltanet_package *package) {
  Reader reader;
  reader.package = package;
  reader.manifest = calloc(1, sizeof(Manifest));
  if (!reader.manifest) {
    deltanet_fail(DELTANET_ERROR_MEMORY, "no memory for the manifest");
    return NULL;
  }
  if (setjmp(reader.stop)) {
    deltanet_free_manifest(reader.manifest);
    return NULL;
  }
  readAll(&reader);
  return reader.manifest;
}

void deltanet_free_manifest(Manifest *manifest) {
  if (!manifest)
    return;
  for (ExpressionList *e = manifest->expressions; e; e = e->next)
    deltanet_free_expression(e->expression);
  deltanet_arena_free(&manifest->arena);
  free(manifest);
}
