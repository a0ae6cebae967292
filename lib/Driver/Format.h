//===- Format.h - fmt without its library -----------------------*- C++ -*-===//
// Header-only, so that who links our libraries needs no fmt.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_LIB_DRIVER_FORMAT_H
#define DELTANET_LIB_DRIVER_FORMAT_H

#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
#include <fmt/format.h>

#endif // DELTANET_LIB_DRIVER_FORMAT_H
