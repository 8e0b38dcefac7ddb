// The same as by `require`, the classes included: both lead to one module.
export * from './index.cjs'
