'use strict'

const { getSystemErrorMap } = require('node:util')
const { outOfRange, wrongType } = require('./arguments.cjs')

/** Base of what castline throws. `code` is the same in every language. */
class CastlineError extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

/** What was asked for needs an image that is what it claims, and it is not; `report` says why. */
class InvalidImageError extends CastlineError {
  constructor(code, message, { report, bytes }) {
    super(code, message)
    const { Report } = require('./reports.cjs')
    this.report = new Report(report, BigInt(bytes))
  }
}

/** There is no plan. `code` is the kind of conflict, `conflict` the constraints that cannot all hold. */
class InfeasibleError extends CastlineError {
  constructor(code, message, detail) {
    super(code, message)
    this.conflict = detail.conflict
    this.detail = detail
  }
}

/** A plan is not safe, or not what was asked for. `code` is the kind of fault, `trace` the way there. */
class ViolationError extends CastlineError {
  constructor(code, message, detail) {
    super(code, message)
    this.trace = detail.trace ?? Object.freeze([])
    this.detail = detail
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

/** A file or folder could not be read: `path`. Where the system refused, `errno` and `cause` are as Node's own functions have them. */
class SourceError extends CastlineError {
  constructor(code, message, { path, errno }) {
    const known = errno === null ? undefined : getSystemErrorMap().get(-errno)
    super(code, message)
    this.path = path
    this.errno = errno === null ? undefined : -errno
    if (known) {
      const [name, meaning] = known
      const cause = Object.assign(new Error(`${name}: ${meaning}, ${path}`), { errno: -errno, code: name, path })
      Object.defineProperty(this, 'cause', { value: cause, writable: true, configurable: true })
    }
  }
}

const classes = { CastlineError, SourceError, InvalidImageError, InfeasibleError, ViolationError, BrokenChainError }
// As text, so that whoever shortens the names of classes does not shorten these.
for (const [name, kind] of Object.entries(classes)) {
  Object.defineProperty(kind.prototype, 'name', { value: name, writable: true, configurable: true })
}

const DETAILED = {
  source: SourceError,
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
  if (code.startsWith('ERR_')) return error
  if (TYPES.test(code)) return wrongType(message)
  if (code === 'RANGE') return outOfRange(message)
  const at = message.lastIndexOf('\u0001')
  if (at < 0) return new CastlineError(code === 'GenericFailure' ? 'INTERNAL' : code, message)
  const [kind, detail] = freeze(JSON.parse(message.slice(at + 1)))
  return new DETAILED[kind](code, message.slice(0, at), detail)
}

/** Freezes a value and all that is in it. */
function freeze(value) {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const key of Object.keys(value)) freeze(value[key])
  }
  return value
}

module.exports = { ...classes, fromNative, freeze }
