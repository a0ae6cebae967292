/*===- Error.h - the last error of a thread ------------------------*- C
 * -*-===*/
#ifndef DELTANET_LIB_RUNTIME_ERROR_H
#define DELTANET_LIB_RUNTIME_ERROR_H

#include <stdint.h>

/* Notes what is wrong and returns `code`. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int32_t deltanet_fail(int32_t code, const char *format, ...);
void deltanet_clear_error(void);

#endif /* DELTANET_LIB_RUNTIME_ERROR_H */
