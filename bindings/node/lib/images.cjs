'use strict'

const path = require('node:path')
const { fileURLToPath } = require('node:url')
const { bytes, integer, kindOf, list, options, string, textOf, wrongType } = require('./arguments.cjs')
const { freeze } = require('./errors.cjs')
const { frozen, json } = require('./json.cjs')
const { binding, call, dropped, watched } = require('./native.cjs')
const { DriftReport, Inspection, Report } = require('./reports.cjs')
const { Digest, Platform, Reference } = require('./texts.cjs')

const MADE = Symbol('made')

/** A reference as a text or value; a `file:` URL is a path, taken as it is. */
function wanted(image, { platform, unreferenced, jobs }) {
  const asked = {
    platform: platform === undefined ? undefined : textOf(platform, Platform, 'platform'),
    unreferenced,
    jobs: jobs === undefined ? undefined : Number(integer(jobs, 'jobs', 1n, 65_536n)),
  }
  if (image instanceof URL) return json({ path: fileURLToPath(image), ...asked })
  if (typeof image !== 'string' && !(image instanceof Reference)) {
    throw wrongType(`an image is a reference (\`oci:DIR:TAG\`) or a file: URL, not ${kindOf(image)}`)
  }
  return json({ reference: textOf(image, Reference), ...asked })
}

/** An image of which every byte was checked and found right. Only `verify` makes one. */
class VerifiedImage {
  #handle
  constructor(made, handle) {
    if (made !== MADE) throw wrongType('verify() makes verified images')
    this.#handle = handle
    const { digest, platform, identities, layers } = JSON.parse(handle.json())
    this.digest = new Digest(digest)
    this.platform = platform === null ? null : new Platform(platform)
    this.identities = freeze(identities)
    this.layers = Object.freeze(layers.map((layer) => new Digest(layer)))
    Object.freeze(this)
  }
  static handle(image) {
    if (!(image instanceof VerifiedImage)) {
      throw wrongType(`a verified image is needed, which verify() makes, not ${kindOf(image)}`)
    }
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

/** Whether the images that `image` names are what they claim. */
async function verify(image, given) {
  const asked = options(given, 'platform', 'unreferenced', 'jobs', 'signal', 'progress')
  const what = wanted(image, asked)
  const done = await watched(asked, (watch) => binding.verify(what, watch))
  return Object.freeze({
    report: new Report(frozen(done.report()), done.bytes()),
    images: Object.freeze(done.images().map((one) => new VerifiedImage(MADE, one))),
  })
}

/** What `image` says that it holds. Reads the documents and no layer. */
async function inspect(image, given) {
  const asked = options(given, 'platform', 'signal', 'progress')
  const what = wanted(image, asked)
  const done = await watched(asked, (watch) => binding.inspect(what, watch))
  return new Inspection(JSON.parse(done.json()), done.sizes())
}

/** A tree of files, as an image has it or as it was found. */
class Rootfs {
  #handle
  constructor(made, handle) {
    if (made !== MADE) throw wrongType('tree(), scan() and Rootfs.fromJSONLines() make trees')
    this.#handle = handle
    Object.freeze(this)
  }
  static fromJSONLines(lines) {
    bytes(lines, 'the lines')
    return new Rootfs(MADE, call(() => binding.Rootfs.fromJsonLines(lines)))
  }
  static handle(rootfs) {
    if (!(rootfs instanceof Rootfs)) throw wrongType(`a Rootfs is needed, not ${kindOf(rootfs)}`)
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
async function tree(image, given) {
  const asked = options(given, 'platform', 'jobs', 'signal', 'progress')
  const what = wanted(image, asked)
  return new Rootfs(MADE, await watched(asked, (watch) => binding.tree(what, watch)))
}

/** What a scan found. */
class Scan {
  #handle
  constructor(made, handle) {
    if (made !== MADE) throw wrongType('scan() and Scan.of() make scans')
    this.#handle = handle
    Object.freeze(this)
  }
  static of(rootfs) {
    const handle = rootfsHandle(rootfs)
    return new Scan(MADE, call(() => binding.Scan.of(handle)))
  }
  static handle(actual) {
    if (actual instanceof Rootfs) return Scan.of(actual).#handle
    if (!(actual instanceof Scan)) throw wrongType(`a Scan or a Rootfs is needed, not ${kindOf(actual)}`)
    return actual.#handle
  }
  get rootfs() {
    return new Rootfs(MADE, call(() => this.#handle.rootfs()))
  }
}

const verifiedHandle = VerifiedImage.handle
const rootfsHandle = Rootfs.handle
const scanHandle = Scan.handle
// Not for those who have the classes: with handles they could make what Rust has not checked.
for (const kind of [VerifiedImage, Rootfs, Scan]) delete kind.handle

const folder = (root) => (root instanceof URL ? fileURLToPath(root) : path.normalize(string(root, 'the root')))

/** Reads a root filesystem as it is: a folder, or `/proc/PID/root`. */
async function scan(root, given) {
  const asked = options(given, 'signal', 'progress')
  const place = folder(root)
  return new Scan(MADE, await watched(asked, (watch) => binding.scan(place, watch)))
}

/** How what was found differs from what was shipped. */
async function compare(shipped, actual, given) {
  const { signal, ...manner } = options(given, 'profile', 'ignore', 'mounts', 'mtime', 'signal')
  for (const name of ['ignore', 'mounts']) if (manner[name] !== undefined) manner[name] = list(manner[name], name)
  const [expected, found, how] = [rootfsHandle(shipped), scanHandle(actual), json(manner)]
  const done = await dropped({ signal }, (watch) => binding.compare(expected, found, how, watch))
  return new DriftReport(frozen(done.json()), done.bytes())
}

module.exports = {
  VerifiedImage, Report, DriftReport, Inspection, Rootfs, Scan, verify, inspect, tree, scan, compare,
  internal: { verifiedHandle },
}
