/*===- Processor.h - a package on this processor -------------------*- C
 * -*-===*/
#ifndef DELTANET_LIB_RUNTIME_PROCESSOR_H
#define DELTANET_LIB_RUNTIME_PROCESSOR_H

#include "Manifest.h"
#include "Tensors.h"

/* Refuses code that this processor cannot run. */
int32_t deltanet_check_processor(const Manifest *manifest,
                                 const deltanet_package *package);
void deltanet_call_host(const Manifest *manifest,
                        const deltanet_package *package,
                        const Operands *operands);

#endif /* DELTANET_LIB_RUNTIME_PROCESSOR_H */
