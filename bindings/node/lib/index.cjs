'use strict'

// One module that both `import` and `require` lead to: a class is the same whichever way it came.
const { fromNative: _fromNative, ...errors } = require('./errors.cjs')
const { internal: _internal, ...documents } = require('./documents.cjs')

module.exports = {
  ...errors,
  ...require('./texts.cjs'),
  ...documents,
  ...require('./images.cjs'),
  ...require('./plans.cjs'),
  ...require('./rollout.cjs'),
  ...require('./ledger.cjs'),
  ...require('./import.cjs'),
  version: require('./native.cjs').binding.version(),
}
