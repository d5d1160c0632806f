// The public surface of 'euphorion/kernels': numeric kernels off the main thread.
export {}
