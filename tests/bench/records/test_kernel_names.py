"""Names as CUDA's profiler wrote them for PyTorch on a GPU, and what is left of them."""

import pytest

from bench.records.kernel_names import kernel_name

NAMES = {
    "sm80_xmma_gemm_f32f32_f32f32_f32_nt_n": "sm80_xmma_gemm_f32f32_f32f32_f32_nt_n",
    "Memcpy DtoD (Device -> Device)": "Memcpy DtoD (Device -> Device)",
    "void cutlass::Kernel2<cutlass_80_sgemm_64x64>(cutlass_80_sgemm_64x64::Params)": "Kernel2 (cutlass_80_sgemm_64x64)",
    "void (anonymous namespace)::softmax_warp_forward<float, 4, true>(float*, int)": "softmax_warp_forward",
    """
    void at::native::reduce_kernel<128, 4, at::native::ReduceOp<float, at::native::func_wrapper_t<float,
    at::native::sum_functor<float, float, float>::operator()(at::TensorIterator&)::{lambda(float, float)#1}>,
    unsigned int, float, 4, 4> >(at::native::ReduceOp<float>)
    """: "reduce_kernel (sum_functor)",
    """
    void at::native::(anonymous namespace)::multi_tensor_apply_kernel<at::native::(anonymous
    namespace)::TensorListMetadata<1>, at::native::(anonymous namespace)::BinaryOpScalarFunctor<float, 1, 1, 0>,
    std::multiplies<float>, float>(at::native::(anonymous namespace)::TensorListMetadata<1>, float)
    """: "multi_tensor_apply_kernel (multiplies)",
    """
    void at::native::elementwise_kernel<128, 2, at::native::gpu_kernel_impl_nocast<at::native::CUDAFunctor_add<float>
    >(at::TensorIteratorBase&, at::native::CUDAFunctor_add<float> const&)::{lambda(int)#1}>(int)
    """: "elementwise_kernel (CUDAFunctor_add)",
    """
    void at::native::unrolled_elementwise_kernel<at::native::direct_copy_kernel_cuda(at::TensorIteratorBase&)::
    {lambda()#3}::operator()() const::{lambda(long)#1}, std::array<char*, 2ul>, 4, TrivialOffsetCalculator<1, unsigned
    int>, at::native::memory::LoadWithCast<1>, at::native::memory::StoreWithCast<1> >(int)
    """: "unrolled_elementwise_kernel (direct_copy_kernel_cuda)",
    "void a::b<a::c<float": "b",
    "::<": "::<",
}


@pytest.mark.parametrize(("name", "short"), NAMES.items(), ids=NAMES.values())
def test_a_kernel_is_called_by_what_it_does(name, short):
    """What a template was told of types, sizes and memory is left out."""
    assert short == kernel_name(" ".join(name.split()))
