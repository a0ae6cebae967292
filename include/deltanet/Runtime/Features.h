/*===- Features.h - what this processor has ------------------------*- C
 * -*-===*/
#ifndef DELTANET_RUNTIME_FEATURES_H
#define DELTANET_RUNTIME_FEATURES_H

#ifdef __cplusplus
extern "C" {
#endif

/* Whether this processor, with this system, has a feature by LLVM's name; -1
 * where the runtime does not know how to ask for it. */
int deltanet_has_feature(const char *name);
/* x86_64, aarch64, or "" where the runtime knows neither. */
const char *deltanet_architecture(void);

#ifdef __cplusplus
}
#endif

#endif /* DELTANET_RUNTIME_FEATURES_H */
