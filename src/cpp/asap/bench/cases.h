// The cases of the benchmarks, room by room. Sizes are those of the papers' MLP and LeNet unless given.
#pragma once

#include "asap/bench/case.h"
#include "asap/train/engine.h"

namespace asap::bench {

// --- kernels

/// A matrix product of these sizes (pointers are ignored), with a bias when it has an activation.
Case gemm(const kernels::Gemm& sizes);
/// Forward, backward by weights and, when there is more than one channel (it is no first layer), backward by data.
Cases convolution(const kernels::Convolution& c, std::size_t samples);
/// The same, fused with rectifier and pooling. FLOPs are those of the outputs that fill squares.
Cases pooled_convolution(const kernels::Convolution& c, std::size_t samples);

Cases products();      ///< matrix products and convolutions, at batches of 16, 64 and 512
Cases element_wise();  ///< pooling, layout, loss and activations, which memory limits, at a batch of 64
Cases update_path();   ///< copies and updates of vectors in L2, at its edge, and in L3

// --- stores and whole updates, by one worker

/// The engines that the benchmarks compare, by the words of the command line.
struct NamedEngine {
  std::string name;
  engine::Engine engine;
};
const std::vector<NamedEngine>& engines();

/// Reading and publishing, for each engine and for the MLP's and LeNet's number of parameters.
Cases stores();

/// A network as the tables name it.
enum class Example { mlp, lenet };
const char* name_of(Example example);
/// Floating-point operations of one update: the matrix products and convolutions of both passes, without the first
/// layer's gradient by its input.
double update_flops(Example example, std::size_t batch_size);
/// One turn of a worker's loop, on 60,000 images of random bytes. Its answer is the first update of fresh parameters.
Case update(Example example, std::size_t batch_size, const NamedEngine& engine);

}  // namespace asap::bench
