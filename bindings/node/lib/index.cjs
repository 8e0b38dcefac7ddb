'use strict'

// One module that both `import` and `require` lead to: a class is the same whichever way it came.
const { fromNative: _fromNative, freeze, ...errors } = require('./errors.cjs')
const { internal: _texts, ...texts } = require('./texts.cjs')
const { internal: _documents, ...documents } = require('./documents.cjs')
const { internal: _images, ...images } = require('./images.cjs')
const { binding } = require('./native.cjs')

module.exports = {
  ...errors,
  ...texts,
  ...documents,
  ...images,
  ...require('./build.cjs'),
  ...require('./plans.cjs'),
  ...require('./rollout.cjs'),
  ...require('./ledger.cjs'),
  ...require('./import.cjs'),
  /** Every code there is, by kind. */
  codes: freeze(JSON.parse(binding.codes())),
  version: binding.version(),
}
