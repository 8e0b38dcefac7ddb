'use strict'

const { integer, kindOf, list, options, string, wrongType } = require('./arguments.cjs')
const { freeze } = require('./errors.cjs')
const { frozen, json, quick } = require('./json.cjs')
const { binding, call } = require('./native.cjs')
const { Digest, Revision } = require('./texts.cjs')

/** Only this package makes a document of a handle. */
const MADE = Symbol('made')

/** The kind of each class, as Rust names it. */
const KINDS = new Map()

/** A value that JSON says wholly, with one canonical form and its digest. Rust holds it; `toJSON` is a frozen copy. */
class Document {
  #handle
  #plain
  constructor(value) {
    this.#handle = value
    Object.freeze(this)
  }
  /** Reads one from JSON, as text, as bytes, or as a value. */
  static fromJSON(value) {
    const kind = KINDS.get(this)
    if (kind === undefined) throw wrongType('fromJSON is a method of Fleet, Policy, Release and Plan')
    return new this(MADE, read(kind, typeof value === 'string' || value instanceof Uint8Array ? value : json(value)))
  }
  static handle(document, kind) {
    if (!(document instanceof kind)) throw wrongType(`a ${KINDS.get(kind)} is needed, not ${kindOf(document)}`)
    return document.#handle
  }
  toJSON() {
    this.#plain ??= call(() => frozen(this.#handle.json()))
    return this.#plain
  }
  /** Its form for people: indented JSON. */
  toString() {
    return call(() => this.#handle.pretty())
  }
  /** Its canonical form (RFC 8785) in UTF-8, of which the digest is. */
  toCanonical() {
    return call(() => this.#handle.canonical())
  }
  get digest() {
    return new Digest(call(() => this.#handle.digest()))
  }
  equals(other) {
    return other instanceof Document && call(() => this.#handle.equals(other.#handle))
  }
  [Symbol.for('nodejs.util.inspect.custom')](depth, given, inspect) {
    const kind = KINDS.get(this.constructor)
    return depth < 0 ? `[${kind}]` : `${kind} ${inspect(this.toJSON(), given)}`
  }
}

const read = (kind, text) => call(() => binding.Document.read(kind, text))

class Fleet extends Document {
  constructor(service, instances) {
    if (service === MADE) super(instances)
    else {
      string(service, 'the service')
      super(read('Fleet', quick({ service, instances: list(instances, 'instances') })))
    }
  }
  get service() {
    return this.toJSON().service
  }
  get instances() {
    return this.toJSON().instances
  }
  get(id) {
    return this.instances.find((one) => one.id === id)
  }
  [Symbol.iterator]() {
    return this.instances[Symbol.iterator]()
  }
}

class Policy extends Document {
  constructor(members = {}, made) {
    super(members === MADE ? made : read('Policy', json(members)))
  }
}

const REPLICAS = 'the number of replicas'

class Release extends Document {
  constructor(service, image, replicas) {
    if (service === MADE) super(image)
    else {
      const { internal: images } = require('./images.cjs')
      const verified = images.verifiedHandle(image)
      string(service, 'the service')
      const count = integer(replicas, REPLICAS)
      super(call(() => binding.Document.release(service, verified, count)))
    }
  }
  static ofProviderImage(service, image, replicas) {
    string(service, 'the service')
    const [count, written] = [integer(replicas, REPLICAS), json(image)]
    return new Release(MADE, call(() => binding.Document.providerRelease(service, written, count)))
  }
  withReplicas(replicas) {
    const count = integer(replicas, REPLICAS)
    return new Release(MADE, call(() => handle(this, Release).withReplicas(count)))
  }
  get service() {
    return this.toJSON().service
  }
  get replicas() {
    return this.toJSON().replicas
  }
  get revision() {
    return new Revision(call(() => handle(this, Release).revision()))
  }
}

class Plan extends Document {
  constructor(made, value) {
    if (made !== MADE) throw wrongType('plan() and Plan.fromJSON() make plans')
    super(value)
  }
  get empty() {
    return call(() => handle(this, Plan).isEmpty())
  }
  get waves() {
    return call(() => handle(this, Plan).waves())
  }
  get stages() {
    return this.toJSON().stages ?? freeze([])
  }
  get limits() {
    return this.toJSON().limits ?? freeze([])
  }
  get replacements() {
    return call(() => frozen(handle(this, Plan).replacements()))
  }
  toText(timeline, given) {
    const { width = 100 } = options(given, 'width')
    return show(this, 'text', timeline, Number(integer(width, 'the width', 1n, 10_000n)))
  }
  toSVG(timeline) {
    return show(this, 'svg', timeline, 0)
  }
  toHTML(timeline) {
    return show(this, 'html', timeline, 0)
  }
}

function show(plan, form, timeline, width) {
  const drawn = timeline === undefined ? undefined : json(timeline)
  return call(() => binding.show(handle(plan, Plan), form, drawn, width))
}

for (const [name, kind] of Object.entries({ Fleet, Policy, Release, Plan })) KINDS.set(kind, name)

/** What is to become of one service. */
class Target {
  constructor(fleet, release, policy = new Policy()) {
    handle(fleet, Fleet)
    handle(release, Release)
    handle(policy, Policy)
    Object.assign(this, { fleet, release, policy })
    Object.freeze(this)
  }
}

const { handle } = Document
// Not for those who have the classes: with handles they could make what Rust has not checked.
delete Document.handle

const made = (kind, value) => (value === null || value === undefined ? null : new kind(MADE, value))
const handles = (targets) =>
  (targets instanceof Target ? [targets] : list(targets, 'targets')).flatMap((target) => {
    if (!(target instanceof Target)) throw wrongType(`a Target is needed, not ${kindOf(target)}`)
    return [handle(target.fleet, Fleet), handle(target.release, Release), handle(target.policy, Policy)]
  })
const releases = (fallback = []) => list(fallback, 'fallback').map((one) => handle(one, Release))

module.exports = { Fleet, Policy, Release, Plan, Target, internal: { made, handle, handles, releases } }
