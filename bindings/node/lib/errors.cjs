'use strict'

/** Base of everything that castline throws. `code` is the same in every language. */
class CastlineError extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
  get name() {
    return this.constructor.name
  }
}

/** What was asked for needs an image that is what it claims, and it is not; `report` says why. */
class InvalidImageError extends CastlineError {
  constructor(code, message, report) {
    super(code, message)
    this.report = report
  }
}

/** There is no plan. `code` is the kind of conflict, `conflict` the constraints that cannot all hold. */
class InfeasibleError extends CastlineError {
  constructor(code, message, detail) {
    super(code, message)
    this.conflict = detail.conflict
  }
}

/** A plan is not safe, or not what was asked for. `code` is the kind of fault, `trace` the way there. */
class ViolationError extends CastlineError {
  constructor(code, message, detail) {
    super(code, message)
    this.detail = detail
    this.trace = detail.trace ?? []
  }
}

/** An entry of a ledger is not what it must be: `position` entries and `offset` bytes are before it. */
class BrokenChainError extends CastlineError {
  constructor(code, message, { position, offset }) {
    super(code, message)
    this.position = position
    this.offset = offset
  }
}

const DETAILED = {
  'invalid-image': InvalidImageError,
  infeasible: InfeasibleError,
  violation: ViolationError,
  broken: BrokenChainError,
}

/** Codes with which napi says that an argument is of another type. */
const TYPES = /^(InvalidArg|.*Expected|TYPE)$/

function fromNative(error) {
  if (!(error instanceof Error) || error instanceof CastlineError || typeof error.code !== 'string') return error
  const { code, message } = error
  if (TYPES.test(code)) return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
  if (code === 'RANGE') return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
  const at = message.indexOf('\u0001')
  if (at < 0) return new CastlineError(code === 'GenericFailure' ? 'INTERNAL' : code, message)
  const [kind, detail] = JSON.parse(message.slice(at + 1))
  return new DETAILED[kind](code, message.slice(0, at), detail)
}

module.exports = { CastlineError, InvalidImageError, InfeasibleError, ViolationError, BrokenChainError, fromNative }
