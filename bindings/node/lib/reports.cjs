'use strict'

const { freeze } = require('./errors.cjs')

// Sizes come from Rust beside the JSON, since JSON.parse makes doubles of them.

/** What was found, to be iterated over. */
class Findings {
  constructor(members, bytes) {
    Object.assign(this, members, { bytes })
    Object.freeze(this)
  }
  [Symbol.iterator]() {
    return this.findings[Symbol.iterator]()
  }
  /** As JSON.parse reads what the command line prints: sizes are numbers. */
  toJSON() {
    return freeze({ ...this, bytes: Number(this.bytes) })
  }
}

/** What a verification found; iterates over its findings. `bytes` is a bigint. */
class Report extends Findings {}

/** How what runs differs from what was shipped; iterates over its findings. `bytes` is a bigint. */
class DriftReport extends Findings {}

/** What the documents of a source say. The sizes of images and layers are bigints. */
class Inspection {
  constructor({ images, findings }, sizes) {
    const next = sizes[Symbol.iterator]()
    const take = () => next.next().value
    const layer = (one) => ('size' in one ? { ...one, size: take() } : one)
    this.images = freeze(images.map((one) => ({ ...one, size: take(), layers: one.layers.map(layer) })))
    this.findings = freeze(findings)
    Object.freeze(this)
  }
  [Symbol.iterator]() {
    return this.images[Symbol.iterator]()
  }
  /** As JSON.parse reads what the command line prints: sizes are numbers, of which those above 2^53 are rounded. */
  toJSON() {
    const layer = (one) => ('size' in one ? { ...one, size: Number(one.size) } : one)
    const image = (one) => ({ ...one, size: Number(one.size), layers: one.layers.map(layer) })
    return freeze({ images: this.images.map(image), findings: this.findings })
  }
}

module.exports = { Report, DriftReport, Inspection }
