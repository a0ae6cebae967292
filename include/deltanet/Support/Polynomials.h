//===- Polynomials.h - coefficients of elementary functions -----*- C++ -*-===//
// Polynomials for f32 that interpolate functions at Chebyshev nodes of a range,
// lowest power first; for processors and GPUs.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_SUPPORT_POLYNOMIALS_H
#define DELTANET_SUPPORT_POLYNOMIALS_H

namespace deltanet::polynomials {

/// (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2.
inline constexpr double kExpm1[] = {0.5, 0.16666576666119928,
                                    0.04166655421298415, 0.008363232883682618,
                                    0.0013926250831497611};

/// (log(1 + f) - f) / f^2 for 1 + f between sqrt(1/2) and sqrt(2).
inline constexpr double kLog1p[] = {
    -0.49999997649708294, 0.3333333002800064,   -0.2500078125576922,
    0.20001234513446642,  -0.16626645079535823, 0.1420485416864887,
    -0.1312755963554865,  0.12722688876814994,  -0.07673651328980903};

/// (tanh(x) - x) / x^3 in x^2 for |x| <= 0.55.
inline constexpr double kTanh[] = {-0.3333333200797698, 0.1333311372902087,
                                   -0.05390942882746055, 0.021309388664443474,
                                   -0.006610227831114735};

/// (erf(x) - x) / x in x^2 for |x| <= 0.9.
inline constexpr double kErfNear[] = {
    0.12837916678922232,   -0.3761263519396771,  0.11283718049592738,
    -0.026860664791081918, 0.005204226693651869, -0.0008179632179898365,
    8.529401319082956e-05};

/// -log(1 - erf(x)) for x between 0.9 and 4.
inline constexpr double kErfFar[] = {
    -0.00031853966241225597, 1.1302310552231873,    0.6318239181057594,
    0.1100871664955004,      -0.026427637153529877, 0.004762625832512992,
    -0.0005975857702302331,  4.616385862524457e-05, -1.6430636556906173e-06};

/// (sin(r) - r) / r^3 in r^2 for |r| <= pi / 4.
inline constexpr double kSine[] = {-0.16666666663741367, 0.00833333183062943,
                                   -0.00019840063040804117,
                                   2.7246868722877944e-06};

/// (cos(r) - 1 + r^2 / 2) / r^4 in r^2 for |r| <= pi / 4.
inline constexpr double kCosine[] = {
    0.04166666666422613, -0.0013888887635227975, 2.4800580601354642e-05,
    -2.7298407652795173e-07};

} // namespace deltanet::polynomials

#endif // DELTANET_SUPPORT_POLYNOMIALS_H
