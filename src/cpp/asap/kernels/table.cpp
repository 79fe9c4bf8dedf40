// The kernels of one instruction set. Compiled once per ISA with ASAP_KERNEL_ISA naming it (see kernels.cmake).
//
// Everything in this object has internal linkage except its table, and no template or inline function of the standard
// library is instantiated: the linker keeps one copy of such a function for the whole program, and a copy made of
// AVX-512 instructions would crash processors without them.
#include "asap/kernels/kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace asap::kernels::ASAP_KERNEL_ISA {
namespace {

// clang-format off: each file uses only the ones above it
#include "asap/kernels/simd.inl"
#include "asap/kernels/shuffle.inl"
#include "asap/kernels/math.inl"
#include "asap/kernels/elementwise.inl"
#include "asap/kernels/gemm_tile.inl"
#include "asap/kernels/gemm_panel.inl"
#include "asap/kernels/gemm.inl"
#include "asap/kernels/convolution.inl"
#include "asap/kernels/convolution_weights.inl"
#include "asap/kernels/convolution_data.inl"
#include "asap/kernels/convolution_pooled.inl"
#include "asap/kernels/pooling.inl"
#include "asap/kernels/loss.inl"
#include "asap/kernels/layout.inl"
#include "asap/kernels/update.inl"
#include "asap/kernels/correction.inl"
#include "asap/kernels/yardstick.inl"
// clang-format on

}  // namespace

#define ASAP_NAME_OF(isa) #isa
#define ASAP_NAME(isa) ASAP_NAME_OF(isa)

extern constinit const Table table;
constinit const Table table{
    .isa = Isa::ASAP_KERNEL_ISA,
    .name = ASAP_NAME(ASAP_KERNEL_ISA),
    .lanes = kLanes,
    .gemm_scratch = gemm_scratch,
    .gemm = gemm,
    .bias_gradient = bias_gradient,
    .activate = activate,
    .activate_backward = activate_backward,
    .softmax_cross_entropy = softmax_cross_entropy,
    .squared_error = squared_error,
    .softmax = softmax,
    .conv_forward = conv_forward,
    .conv_backward_scratch = conv_backward_scratch,
    .conv_backward_weights = conv_backward_weights,
    .conv_backward_data = conv_backward_data,
    .conv_pool_forward = conv_pool_forward,
    .conv_pool_backward_scratch = conv_pool_backward_scratch,
    .conv_pool_backward = conv_pool_backward,
    .pool_forward = pool_forward,
    .pool_backward = pool_backward,
    .lanes_from_rows = lanes_from_rows,
    .rows_from_lanes = rows_from_lanes,
    .scale_bytes = scale_bytes,
    .lanes_from_bytes = lanes_from_bytes,
    .copy = copy,
    .accumulate = accumulate,
    .scaled_copy = scaled_copy,
    .advance = advance,
    .all_finite = all_finite,
    .squared_norm = squared_norm,
    .compensate_delay = compensate_delay,
    .divide_by_gap = divide_by_gap,
    .average_movement = average_movement,
    .multiply_add_flops = multiply_add_flops,
    .multiply_add = multiply_add,
    .stream = stream<>,
};

}  // namespace asap::kernels::ASAP_KERNEL_ISA
