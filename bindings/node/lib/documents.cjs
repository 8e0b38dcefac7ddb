'use strict'

const { binding, call, freeze, frozen, json } = require('./native.cjs')
const { Digest, Revision } = require('./texts.cjs')

/** Only this package makes a document of a handle. */
const MADE = Symbol('made')

/** A value that JSON says wholly, with one canonical form and its digest. Rust holds it; `toJSON` is a frozen copy. */
class Document {
  #handle
  #plain
  constructor(kind, made, value) {
    this.#handle = made === MADE ? value : call(() => binding.Document.read(kind, json(made)))
    Object.freeze(this)
  }
  static fromJSON(text) {
    const value = typeof text === 'string' || text instanceof Uint8Array ? text : json(text)
    return new this(MADE, call(() => binding.Document.read(this.name, value)))
  }
  static handle(document, kind) {
    if (!(document instanceof kind)) throw new TypeError(`a ${kind.name} is needed`)
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
  toCanonical() {
    return call(() => this.#handle.canonical())
  }
  get digest() {
    return new Digest(call(() => this.#handle.digest()))
  }
  equals(other) {
    return other instanceof Document && call(() => this.#handle.equals(other.#handle))
  }
}

class Fleet extends Document {
  constructor(service, instances) {
    if (service === MADE) super('Fleet', MADE, instances)
    else super('Fleet', { service, instances: [...instances] })
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
    if (members === MADE) super('Policy', MADE, made)
    else super('Policy', members)
  }
}

class Release extends Document {
  constructor(service, image, replicas) {
    if (service === MADE) super('Release', MADE, image)
    else {
      const { VerifiedImage } = require('./images.cjs')
      const verified = VerifiedImage.handle(image)
      super('Release', MADE, call(() => binding.Document.release(service, verified, BigInt(replicas))))
    }
  }
  static ofProviderImage(service, image, replicas) {
    return new Release(MADE, call(() => binding.Document.providerRelease(service, json(image), BigInt(replicas))))
  }
  withReplicas(replicas) {
    return new Release(MADE, call(() => Document.handle(this, Release).withReplicas(BigInt(replicas))))
  }
  get service() {
    return this.toJSON().service
  }
  get replicas() {
    return this.toJSON().replicas
  }
  get revision() {
    return new Revision(call(() => Document.handle(this, Release).revision()))
  }
}

class Plan extends Document {
  constructor(made, handle) {
    if (made !== MADE) throw new TypeError('plan() makes plans')
    super('Plan', MADE, handle)
  }
  get empty() {
    return call(() => Document.handle(this, Plan).isEmpty())
  }
  get waves() {
    return call(() => Document.handle(this, Plan).waves())
  }
  get stages() {
    return this.toJSON().stages ?? freeze([])
  }
  get limits() {
    return this.toJSON().limits ?? freeze([])
  }
  get replacements() {
    return call(() => frozen(Document.handle(this, Plan).replacements()))
  }
  #show(form, timeline, width = 100) {
    const handle = Document.handle(this, Plan)
    return call(() => binding.show(handle, form, timeline && json(timeline), width))
  }
  toText(timeline, { width } = {}) {
    return this.#show('text', timeline, width)
  }
  toSVG(timeline) {
    return this.#show('svg', timeline)
  }
  toHTML(timeline) {
    return this.#show('html', timeline)
  }
}

/** What is to become of one service. */
class Target {
  constructor(fleet, release, policy = new Policy()) {
    Document.handle(fleet, Fleet)
    Document.handle(release, Release)
    Document.handle(policy, Policy)
    Object.assign(this, { fleet, release, policy })
    Object.freeze(this)
  }
}

const made = (kind, handle) => (handle === null || handle === undefined ? null : new kind(MADE, handle))
const handle = Document.handle
const handles = (targets) =>
  [targets].flat().flatMap((target) => {
    if (!(target instanceof Target)) throw new TypeError('a Target is needed')
    return [handle(target.fleet, Fleet), handle(target.release, Release), handle(target.policy, Policy)]
  })
const releases = (fallback = []) => fallback.map((one) => handle(one, Release))

module.exports = { Fleet, Policy, Release, Plan, Target, internal: { made, handle, handles, releases } }
