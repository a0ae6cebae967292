/*===- Error.c - the last error of a thread -------------------------------===*/
#include "Error.h"
#include "deltanet/Runtime/Package.h"
#include <stdarg.h>
#include <stdio.h>

static __thread char message[768];

int32_t deltanet_fail(int32_t code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return code;
}

void deltanet_clear_error(void) { message[0] = 0; }

const char *deltanet_get_error(void) { return message; }
