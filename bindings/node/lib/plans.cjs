'use strict'

const { integer, options } = require('./arguments.cjs')
const { Plan, internal } = require('./documents.cjs')
const { frozen, json } = require('./json.cjs')
const { binding, call, dropped } = require('./native.cjs')
const { internal: texts } = require('./texts.cjs')

const { handle, handles, made, releases } = internal
const optional = (value, write) => (value === undefined ? undefined : write(value))

/** How these services get from what runs to what should. Throws an `InfeasibleError` before anything is touched. */
function planSync(targets) {
  const goals = handles(targets)
  return made(Plan, call(() => binding.planSync(goals)))
}

/** The same, off the event loop. */
async function plan(targets, given) {
  const asked = options(given, 'signal')
  const goals = handles(targets)
  return made(Plan, await dropped(asked, (watch) => binding.plan(goals, watch)))
}

/** Proves that a plan is safe and does what was asked for. Throws a `ViolationError`. */
function checkSync(plan, targets) {
  const [what, goals] = [handle(plan, Plan), handles(targets)]
  return call(() => frozen(binding.checkSync(what, goals)))
}

/** The same, off the event loop. */
async function check(plan, targets, given) {
  const asked = options(given, 'signal')
  const [what, goals] = [handle(plan, Plan), handles(targets)]
  return frozen(await dropped(asked, (watch) => binding.check(what, goals, watch)))
}

/** Executes a plan in every order in which things can happen; for small plans. */
async function explore(plan, targets, given) {
  const { fallback, states, faults, ...asked } = options(given, 'fallback', 'states', 'faults', 'signal')
  const [what, goals, before] = [handle(plan, Plan), handles(targets), releases(fallback)]
  const most = optional(states, (number) => integer(number, 'states'))
  const wrong = optional(faults, (number) => Number(integer(number, 'faults', 0n, 2n ** 32n - 1n)))
  return frozen(await dropped(asked, (watch) => binding.explore(what, goals, before, most, wrong, watch)))
}

/** Executes a plan in a simulated world. */
async function simulate(plan, targets, given) {
  const { fallback, world, at, ...asked } = options(given, 'fallback', 'world', 'at', 'signal')
  const [what, goals, before] = [handle(plan, Plan), handles(targets), releases(fallback)]
  const [how, start] = [optional(world, json), optional(at, (time) => texts.moment(time, 'at'))]
  return frozen(await dropped(asked, (watch) => binding.simulate(what, goals, before, how, start, watch)))
}

/** How many waves a plan has, and the fewest that any plan could have. */
function bounds(plan, targets, given) {
  const { world } = options(given, 'world')
  const [what, goals, how] = [handle(plan, Plan), handles(targets), optional(world, json)]
  return call(() => frozen(binding.bounds(what, goals, how)))
}

module.exports = { plan, planSync, check, checkSync, explore, simulate, bounds }
