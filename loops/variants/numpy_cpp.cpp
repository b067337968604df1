// Training of INPUTS -> UNITS -> UNITS -> CLASSES, compiled for one model, batch size and number of threads.
//
// Each thread owns some rows of every kernel, and what the optimizer knows of them, so that the large kernel and its
// gradient never leave the cache of one core. Threads wait for each other twice a step: when products with their rows
// are to be added up, and when the gradients of all samples are there. The state of a training lies in this library.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <omp.h>

using Vector = float __attribute__((vector_size(64), aligned(4)));  // the compiler makes the best of 16 floats
constexpr int LANES = 16;
constexpr int TILE_ROWS = 8, TILE_VECTORS = 2;  // sums that are kept in registers, half of those of AVX-512
constexpr int PADDED = (CLASSES + LANES - 1) / LANES * LANES;  // classes and others, whose weights stay zero
constexpr double BETA_1 = 0.9, BETA_2 = 0.999;  // defaults of Keras' Adam
constexpr float EPSILON = 1e-7f;

template <int INS, int OUTS>
struct alignas(64) Layer {
    float kernel[INS * OUTS], mean[INS * OUTS], mean_square[INS * OUTS];
    float bias[OUTS], bias_mean[OUTS], bias_mean_square[OUTS];
    float transposed[OUTS * INS];  // the kernel once more, for the way back
};
static Layer<INPUTS, UNITS> first;
static Layer<UNITS, UNITS> second;
static Layer<UNITS, PADDED> last;
alignas(64) static float parts[THREADS][BATCH * UNITS], hidden_1[BATCH * UNITS], hidden_2[BATCH * UNITS];
alignas(64) static float gradient_1[BATCH * UNITS], gradient_2[BATCH * UNITS], outputs[BATCH * PADDED];
static float losses[BATCH], scores[BATCH];

static Vector& at(float* place) { return *reinterpret_cast<Vector*>(place); }
static const Vector& at(const float* place) { return *reinterpret_cast<const Vector*>(place); }

struct Rows { int begin, end; };
static Rows share(int rows, int thread) {
    int tiles = rows / TILE_ROWS;
    return {tiles * thread / THREADS * TILE_ROWS, tiles * (thread + 1) / THREADS * TILE_ROWS};
}

// Calls take(row, column, sums) for every vector of some rows of left * right; right has COLUMNS columns. A step to the
// next row of left is ROW_STEP numbers long, one to the next column COLUMN_STEP: so it may lie transposed.
template <int COLUMNS, int ROW_STEP, int COLUMN_STEP, class Take>
static inline void multiply(const float* left, const float* right, Rows rows, Rows depth, Take take) {
    constexpr int WIDTH = COLUMNS % (TILE_VECTORS * LANES) == 0 ? TILE_VECTORS : 1;
    for (int column = 0; column < COLUMNS; column += WIDTH * LANES)
        for (int row = rows.begin; row < rows.end; row += TILE_ROWS) {
            Vector sums[TILE_ROWS][WIDTH] = {};
            for (int k = depth.begin; k < depth.end; ++k)
                #pragma GCC unroll 8
                for (int i = 0; i < TILE_ROWS; ++i)
                    #pragma GCC unroll 2
                    for (int j = 0; j < WIDTH; ++j)
                        sums[i][j] += left[(row + i) * ROW_STEP + k * COLUMN_STEP]
                            * at(right + k * COLUMNS + column + j * LANES);
            for (int i = 0; i < TILE_ROWS; ++i)
                for (int j = 0; j < WIDTH; ++j) take(row + i, column + j * LANES, sums[i][j]);
        }
}

// Moves 16 weights; Keras' Adam adds epsilon outside the bias correction, which is in the rate.
static inline void update(float* weights, float* mean, float* mean_square, Vector gradient, float rate) {
    if (!ADAM) {
        at(weights) -= rate * gradient;
        return;
    }
    at(mean) += float(1.0 - BETA_1) * (gradient - at(mean));
    at(mean_square) += float(1.0 - BETA_2) * (gradient * gradient - at(mean_square));
    Vector root = at(mean_square);
    for (int lane = 0; lane < LANES; ++lane) root[lane] = std::sqrt(root[lane]);
    at(weights) -= rate * at(mean) / (root + EPSILON);
}

// Moves some rows of a kernel as soon as their gradient is there, and with the first rows the biases.
template <int INS, int OUTS>
static inline void learn(Layer<INS, OUTS>& layer, const float* inputs, const float* gradients, Rows rows, float rate) {
    multiply<OUTS, 1, INS>(inputs, gradients, rows, {0, BATCH}, [&](int row, int column, Vector gradient) {
        int place = row * OUTS + column;
        update(layer.kernel + place, layer.mean + place, layer.mean_square + place, gradient, rate);
        if (INS == UNITS)  // nobody goes back through the first layer
            for (int lane = 0; lane < LANES; ++lane)
                layer.transposed[(column + lane) * INS + row] = layer.kernel[place + lane];
    });
    for (int column = 0; rows.begin == 0 && column < OUTS; column += LANES) {
        Vector gradient = {};
        for (int sample = 0; sample < BATCH; ++sample) gradient += at(gradients + sample * OUTS + column);
        update(layer.bias + column, layer.bias_mean + column, layer.bias_mean_square + column, gradient, rate);
    }
}

// Softmax and cross-entropy of one sample, whose outputs give way to their gradients; divided by the batch, as Keras
// does, and not by the sum of the weights.
static void judge(int sample, int64_t label, float weight) {
    float* output = outputs + sample * PADDED;
    const float* largest = std::max_element(output, output + CLASSES);
    scores[sample] = largest - output == label ? weight : 0.0f;
    float shift = *largest, right = output[label] - shift, sum = 0.0f;
    for (int i = 0; i < CLASSES; ++i) sum += output[i] = std::exp(output[i] - shift);
    for (int i = 0; i < PADDED; ++i)
        output[i] = i < CLASSES ? (output[i] / sum - float(i == label)) * weight / BATCH : 0.0f;
    losses[sample] = (std::log(sum) - right) * weight;
}

template <int INS, int OUTS>
static float* exchange(Layer<INS, OUTS>& layer, float* weights, int outs, bool into) {
    for (int row = 0; row <= INS; ++row)  // the biases come after the last row
        for (int column = 0; column < outs; ++column, ++weights) {
            float& own = row < INS ? layer.kernel[row * OUTS + column] : layer.bias[column];
            if (!into) *weights = own;
            else own = *weights;
            if (row < INS) layer.transposed[column * INS + row] = own;
        }
    return weights;
}

static void exchange(float* weights, bool into) {
    exchange(last, exchange(second, exchange(first, weights, UNITS, into), UNITS, into), CLASSES, into);
}

// All weights in one array, in the order of Keras.
extern "C" void set_weights(float* weights) { exchange(weights, true); }
extern "C" void get_weights(float* weights) { exchange(weights, false); }

// One step of one thread.
static inline void train_step(const float* x, const int64_t* labels, const float* weights, float rate, float penalty) {
    int me = omp_get_thread_num();
    Rows pixels = share(INPUTS, me), units = share(UNITS, me), samples = share(BATCH, me);
    // forward: the share of these pixels in the first layer of all samples, then the rest of the way for these samples
    multiply<UNITS, INPUTS, 1>(x, first.kernel, {0, BATCH}, pixels, [&](int row, int column, Vector sum) {
        at(parts[me] + row * UNITS + column) = sum;
    });
    #pragma omp barrier
    for (int place = samples.begin * UNITS; place < samples.end * UNITS; place += LANES) {
        Vector sum = at(first.bias + place % UNITS);
        for (int thread = 0; thread < THREADS; ++thread) sum += at(parts[thread] + place);
        at(hidden_1 + place) = sum > 0 ? sum : Vector{};
    }
    multiply<UNITS, UNITS, 1>(hidden_1, second.kernel, samples, {0, UNITS}, [](int row, int column, Vector sum) {
        sum += at(second.bias + column);
        at(hidden_2 + row * UNITS + column) = sum > 0 ? sum : Vector{};
    });
    multiply<PADDED, UNITS, 1>(hidden_2, last.kernel, samples, {0, UNITS}, [](int row, int column, Vector sum) {
        at(outputs + row * PADDED + column) = sum + at(last.bias + column);
    });
    for (int sample = samples.begin; sample < samples.end; ++sample)
        judge(sample, labels[sample], weights[sample]);
    // backward, for the same samples; a rectifier passes on what was above zero
    multiply<UNITS, PADDED, 1>(outputs, last.transposed, samples, {0, CLASSES}, [](int row, int column, Vector sum) {
        int place = row * UNITS + column;
        at(gradient_2 + place) = at(hidden_2 + place) > 0 ? sum : Vector{};
    });
    multiply<UNITS, UNITS, 1>(gradient_2, second.transposed, samples, {0, UNITS}, [&](int row, int column, Vector sum) {
        int place = row * UNITS + column;
        at(gradient_1 + place) = at(hidden_1 + place) > 0 ? sum + penalty : Vector{};
    });
    #pragma omp barrier
    // update: the gradients of these rows of each kernel, from all samples
    learn(first, x, gradient_1, pixels, rate);
    learn(second, hidden_1, gradient_2, units, rate);
    learn(last, hidden_2, outputs, units, rate);
}

extern "C" double score;
double score = 0.0;  // weights of the samples that were predicted right, added up

// Trains on batch after batch, `done` of them were before, and returns the loss of the last one.
extern "C" double train(const float* inputs, const int64_t* labels, const float* weights, int64_t steps, int64_t done,
                        double learning_rate, float penalty) {
    double loss = 0.0;
    #pragma omp parallel num_threads(THREADS)
    for (int64_t step = 0; step < steps; ++step) {
        double count = double(done + step + 1), correction = 1.0;
        if (ADAM) correction = std::sqrt(1.0 - std::pow(BETA_2, count)) / (1.0 - std::pow(BETA_1, count));
        train_step(inputs + step * BATCH * INPUTS, labels + step * BATCH, weights + step * BATCH,
                   float(learning_rate * correction), penalty);
        #pragma omp master
        {
            loss = 0.0;
            for (float one : losses) loss += one / BATCH;
            for (float one : hidden_1) loss += penalty * one;
            for (float one : scores) score += one;
        }
    }
    return loss;
}
