'use strict'

const { fileURLToPath } = require('node:url')
const { integer, kindOf, options, string, textOf, wrongType } = require('./arguments.cjs')
const { freeze } = require('./errors.cjs')
const { json } = require('./json.cjs')
const { binding, watched } = require('./native.cjs')
const { Reference, Time } = require('./texts.cjs')

// A layer that was built has fewer bytes than a double can count, so that JSON.parse rounds none of these.
const layer = (one) => ({ ...one, size: BigInt(one.size), bytes: BigInt(one.bytes), entries: BigInt(one.entries) })
const image = (one) => ({ ...one, size: BigInt(one.size), layers: one.layers.map(layer) })

/** What was built; iterates over its images. Sizes are bigints. */
class Built {
  #json
  constructor(built) {
    this.#json = freeze(built)
    this.digest = built.digest
    this.mediaType = built.mediaType
    this.size = BigInt(built.size)
    this.images = freeze((built.images ?? [built]).map(image))
    Object.freeze(this)
  }
  [Symbol.iterator]() {
    return this.images[Symbol.iterator]()
  }
  /** As JSON.parse reads what the command line prints: sizes are numbers. */
  toJSON() {
    return this.#json
  }
}

const place = (value, what) => (value instanceof URL ? fileURLToPath(value) : string(value, what))

/** The description: the path of its file, or its members. */
function described(description, folder) {
  if (typeof description === 'string' || description instanceof URL) {
    if (folder !== undefined) throw wrongType("a file's paths are relative to its own folder: leave `folder` out")
    return { file: place(description, 'the description') }
  }
  if (typeof description !== 'object' || description === null) {
    throw wrongType(`a description is the path of a file, or an object, not ${kindOf(description)}`)
  }
  return { members: json(description), folder: folder === undefined ? undefined : place(folder, 'folder') }
}

/** Builds the image that `description` describes, and stores it in `to`. */
async function build(description, to, given) {
  const asked = options(given, 'folder', 'created', 'compression', 'jobs', 'signal', 'progress')
  const { folder, created, compression, jobs } = asked
  const what = json({
    ...described(description, folder),
    to: textOf(to, Reference, 'the place to build into'),
    created: created === undefined ? undefined : (created instanceof Time ? created : new Time(created)).text,
    compression: compression === undefined ? undefined : string(compression, 'compression'),
    jobs: jobs === undefined ? undefined : Number(integer(jobs, 'jobs', 1n, 65_536n)),
  })
  return new Built(JSON.parse(await watched(asked, (watch) => binding.build(what, watch))))
}

module.exports = { Built, build }
