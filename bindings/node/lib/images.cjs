'use strict'

const path = require('node:path')
const { fileURLToPath } = require('node:url')
const { binding, call, freeze, frozen, json, watched } = require('./native.cjs')
const { Digest, Platform, Reference } = require('./texts.cjs')

const MADE = Symbol('made')

/** A reference as a text or value; a `file:` URL is a path, taken as it is. */
function wanted(image, { platform, unreferenced, jobs } = {}) {
  const options = { platform: platform && String(platform), unreferenced, jobs }
  if (image instanceof URL) return json({ path: fileURLToPath(image), ...options })
  if (typeof image !== 'string' && !(image instanceof Reference)) {
    throw new TypeError('an image is a reference (`oci:DIR:TAG`) or a file: URL')
  }
  return json({ reference: String(image), ...options })
}

/** An image of which every byte was checked and found right. Only `verify` makes one. */
class VerifiedImage {
  #handle
  constructor(made, handle) {
    if (made !== MADE) throw new TypeError('verify() makes verified images')
    this.#handle = handle
    const { digest, platform, identities, layers } = JSON.parse(handle.json())
    this.digest = new Digest(digest)
    this.platform = platform === null ? null : new Platform(platform)
    this.identities = freeze(identities)
    this.layers = Object.freeze(layers.map((layer) => new Digest(layer)))
    Object.freeze(this)
  }
  static handle(image) {
    if (!(image instanceof VerifiedImage)) throw new TypeError('a verified image is needed: verify() makes them')
    return image.#handle
  }
  /** The bytes of its manifest. */
  get manifest() {
    return call(() => this.#handle.manifest())
  }
  equals(other) {
    return other instanceof VerifiedImage && other.digest.equals(this.digest)
  }
}

/** What a verification found; iterates over its findings. Sizes are bigints. */
class Report {
  constructor(json, complete) {
    const { bytes, ...rest } = JSON.parse(json, (key, value, context) =>
      key === 'bytes' && context ? BigInt(context.source) : value,
    )
    Object.assign(this, freeze(rest), { bytes: BigInt(bytes), complete })
    Object.freeze(this)
  }
  [Symbol.iterator]() {
    return this.findings[Symbol.iterator]()
  }
}

/** Whether the images that `image` names are what they claim. */
async function verify(image, options = {}) {
  const done = await watched(options, (watch) => binding.verify(wanted(image, options), watch))
  return Object.freeze({
    report: new Report(done.report(), done.complete()),
    images: Object.freeze(done.images().map((one) => new VerifiedImage(MADE, one))),
  })
}

/** What `image` says that it holds. Reads the documents and no layer. */
async function inspect(image, options = {}) {
  return frozen(await watched(options, (watch) => binding.inspect(wanted(image, options), watch)))
}

/** A tree of files, as an image has it or as it was found. */
class Rootfs {
  #handle
  constructor(made, handle) {
    if (made !== MADE) throw new TypeError('tree(), scan() and Rootfs.fromJSONLines() make trees')
    this.#handle = handle
    Object.freeze(this)
  }
  static fromJSONLines(lines) {
    return new Rootfs(MADE, call(() => binding.Rootfs.fromJsonLines(lines)))
  }
  static handle(rootfs) {
    if (!(rootfs instanceof Rootfs)) throw new TypeError('a Rootfs is needed')
    return rootfs.#handle
  }
  toJSONLines() {
    return call(() => this.#handle.lines(false))
  }
  toMtree() {
    return call(() => this.#handle.lines(true))
  }
  get length() {
    return this.#handle.length()
  }
  equals(other) {
    return other instanceof Rootfs && this.#handle.equals(other.#handle)
  }
}

/** The files of the one image that `image` names, verified on the way. */
async function tree(image, options = {}) {
  return new Rootfs(MADE, await watched(options, (watch) => binding.tree(wanted(image, options), watch)))
}

/** What a scan found. */
class Scan {
  #handle
  constructor(made, handle) {
    if (made !== MADE) throw new TypeError('scan() and Scan.of() make scans')
    this.#handle = handle
    Object.freeze(this)
  }
  static of(rootfs) {
    const handle = Rootfs.handle(rootfs)
    return new Scan(MADE, call(() => binding.Scan.of(handle)))
  }
  static handle(actual) {
    if (actual instanceof Rootfs) return Scan.of(actual).#handle
    if (!(actual instanceof Scan)) throw new TypeError('a Scan or a Rootfs is needed')
    return actual.#handle
  }
  get rootfs() {
    return new Rootfs(MADE, call(() => this.#handle.rootfs()))
  }
}

const folder = (root) => (root instanceof URL ? fileURLToPath(root) : path.normalize(root))

/** Reads a root filesystem as it is: a folder, or `/proc/PID/root`. */
async function scan(root, options = {}) {
  return new Scan(MADE, await watched(options, (watch) => binding.scan(folder(root), watch)))
}

/** How what was found differs from what was shipped. */
async function compare(shipped, actual, options = {}) {
  const [expected, found] = [Rootfs.handle(shipped), Scan.handle(actual)]
  return frozen(await watched({}, () => binding.compare(expected, found, json(options))))
}

module.exports = { VerifiedImage, Report, Rootfs, Scan, verify, inspect, tree, scan, compare }
