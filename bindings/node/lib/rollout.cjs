'use strict'

const { binding, call, frozen, json } = require('./native.cjs')
const { Fleet, Plan, internal } = require('./documents.cjs')
const { Time } = require('./texts.cjs')

const { handle, handles, made, releases } = internal
const MADE = Symbol('made')

/** A plan being executed: asked for what is to be done, told what happened. It does nothing itself, and reads no clock. */
class Rollout {
  #handle
  constructor(plan, targets, { at, fallback } = {}) {
    if (plan === MADE) this.#handle = targets
    else {
      this.#handle = call(() =>
        binding.Rollout.start(handle(plan, Plan), handles(targets), releases(fallback), String(at)),
      )
    }
  }
  next() {
    return call(() => frozen(this.#handle.next()))
  }
  on(event) {
    call(() => this.#handle.on(json(event)))
  }
  get status() {
    return call(() => frozen(this.#handle.status()))
  }
  get ended() {
    return call(() => this.#handle.ended())
  }
  get progress() {
    return call(() => frozen(this.#handle.progress()))
  }
  get waits() {
    return call(() => frozen(this.#handle.waits()))
  }
  fleet(service) {
    return made(Fleet, call(() => this.#handle.fleet(service)))
  }
  get plan() {
    return made(Plan, call(() => this.#handle.plan()))
  }
  get clock() {
    return new Time(call(() => this.#handle.clock()))
  }
  copy() {
    return new Rollout(MADE, call(() => this.#handle.copy()))
  }
  equals(other) {
    return other instanceof Rollout && call(() => this.#handle.equals(other.#handle))
  }
}

module.exports = { Rollout }
