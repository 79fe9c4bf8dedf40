// Samples of a batch, wherever they lie, as rows or lanes of float32: what a model computes with.
#pragma once

#include <cstdint>
#include <span>

#include "asap/data/dataset.h"

namespace asap {
namespace kernels {
struct Table;
}

/// rows[i] = features of sample indices[i] as float32, scaled when uint8. `rows` holds indices.size() × shape.size()
/// floats. Throws std::invalid_argument when there is no such sample. Thread-safe.
void gather_rows(const SampleArray& array, std::span<const std::uint64_t> indices, float* rows);

/// The same features in the lanes layout of these kernels (kernels.h), with zeros in the lanes past the last sample.
/// `lanes` is 64-byte aligned and holds ceil(indices.size() / kernels.lanes) × shape.size() × kernels.lanes floats.
void gather_lanes(const kernels::Table& kernels, const SampleArray& array, std::span<const std::uint64_t> indices,
                  float* lanes);

/// Asks the processor for the memory of samples that will be gathered soon. Never fails: no such sample, nothing to do.
void prefetch(const SampleArray& array, std::span<const std::uint64_t> indices);

}  // namespace asap
