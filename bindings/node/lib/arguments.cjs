'use strict'

// What callers give, checked before it goes to Rust. As Node's own functions do it: a TypeError or RangeError with a code.

const wrongType = (message) => Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
const outOfRange = (message) => Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })

/** How a value is named in messages. */
function kindOf(value) {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  const name = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && name ? `an object of class ${name}` : 'an object'
}

/** A text; Rust's are of whole characters, so that half a surrogate pair would become another text. */
function string(value, what) {
  if (typeof value !== 'string') throw wrongType(`${what} must be a string, not ${kindOf(value)}`)
  if (!value.isWellFormed()) throw outOfRange(`${what} has half a surrogate pair`)
  return value
}

/** A text, or one of castline's values that are a text. */
const textOf = (value, kind, what) => (value instanceof kind ? value.text : string(value, what))

/** A text or its bytes in UTF-8. */
function bytes(value, what) {
  if (value instanceof Uint8Array) return value
  if (typeof value !== 'string') throw wrongType(`${what} must be a string or a Uint8Array, not ${kindOf(value)}`)
  return string(value, what)
}

/** A whole number, as a bigint. */
function integer(value, what, least = 0n, most = 2n ** 64n - 1n) {
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw wrongType(`${what} must be a number or a bigint, not ${kindOf(value)}`)
  }
  const whole = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (!whole || value < least || value > most) throw outOfRange(`${what} must be a whole number from ${least} to ${most}`)
  return BigInt(value)
}

/** The options of a call, of which it knows these; what is misspelt would be ignored otherwise. */
function options(given, ...known) {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw wrongType(`options must be an object, not ${kindOf(given)}`)
  }
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw wrongType(`there is no option \`${name}\`: ${known.join(', ')}`)
  }
  return given
}

/** An array of anything that can be iterated, but for a text. */
function list(value, what) {
  if (typeof value === 'string' || typeof value?.[Symbol.iterator] !== 'function') {
    throw wrongType(`${what} must be iterable, not ${kindOf(value)}`)
  }
  return [...value]
}

module.exports = { wrongType, outOfRange, kindOf, string, textOf, bytes, integer, options, list }
