// The types are those of what is there: names, members, codes, and the documents of the schemas.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test from 'node:test'
import * as castline from 'castline'
import ts from 'typescript-5'
import { comparison } from './schemas.mjs'
import { PACKAGE, VECTORS, require, target } from './support.mjs'

const SCHEMAS = process.env.CASTLINE_SCHEMAS ?? path.join(VECTORS, '../../schemas')
const compared = path.join(import.meta.dirname, 'compared.mts')
const { text, count } = comparison(SCHEMAS)
writeFileSync(compared, text)
const { options } = ts.parseJsonConfigFileContent(JSON.parse(readFileSync(path.join(import.meta.dirname, 'tsconfig.json'))), ts.sys, import.meta.dirname)
const entry = path.join(PACKAGE, 'lib/index.d.cts')
const program = ts.createProgram([entry, path.join(PACKAGE, 'lib/index.d.mts'), compared], options)
const checker = program.getTypeChecker()
test.after(() => rmSync(compared))

/** What a module exports, each as what it stands for. */
function exported(file) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)))
  return new Map(symbols.map((one) => [one.name, one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one]))
}
const types = exported(entry)
const values = new Map([...types].filter(([, symbol]) => symbol.flags & ts.SymbolFlags.Value))
/** The texts of a union. */
const union = (name) => {
  const declared = checker.getDeclaredTypeOfSymbol(types.get(name))
  return (declared.isUnion() ? declared.types : [declared]).map((one) => one.value)
}
const sorted = (names) => [...new Set(names)].sort()

test('the documents are exactly what the schemas say', () => {
  const faults = ts.getPreEmitDiagnostics(program).map((one) => {
    const line = one.file && one.file.text.split('\n')[one.file.getLineAndCharacterOfPosition(one.start).line]
    return `${one.file?.fileName}: ${line}: ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`
  })
  assert.deepEqual(faults, [])
  assert.ok(count > 60)
})

test('what is named is there, and what is there is named, by import and by require', () => {
  assert.deepEqual(sorted(values.keys()), sorted(Object.keys(castline)))
  assert.deepEqual(sorted(Object.keys(require('castline'))), sorted(Object.keys(castline)))
  assert.deepEqual(sorted(exported(path.join(PACKAGE, 'lib/index.d.mts')).keys()), sorted(types.keys()))
})

async function built() {
  const folder = mkdtempSync(path.join(tmpdir(), 'castline-'))
  try {
    return await castline.build({ platforms: ['linux/amd64'] }, `oci:${folder}/layout`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** One of each class, whose own members are looked at, too. */
async function samples() {
  const goal = target()
  const plan = castline.planSync(goal)
  const layout = `oci:${path.join(VECTORS, 'layouts/three-layers')}`
  const { report, images: [image] } = await castline.verify(layout)
  const rootfs = await castline.tree(layout)
  const caught = (work) => Promise.resolve().then(work).then(assert.fail, (error) => error)
  const infeasible = new castline.Policy({ budgets: [{ maxUnavailable: 0, maxSurge: 0 }] })
  const lax = structuredClone(plan.toJSON())
  lax.limits[0].floor = 0
  return {
    Digest: plan.digest, Platform: image.platform, Reference: new castline.Reference(layout), Time: castline.Time.fromMillis(0),
    Amount: new castline.Amount('1'), Revision: goal.release.revision, Window: new castline.Window('* * * * *', 60),
    Fleet: goal.fleet, Policy: goal.policy, Release: goal.release, Plan: plan, Target: goal, VerifiedImage: image, Report: report,
    DriftReport: await castline.compare(rootfs, rootfs), Inspection: await castline.inspect(layout), Built: await built(), Rootfs: rootfs, Scan: castline.Scan.of(rootfs),
    Rollout: new castline.Rollout(plan, goal, { at: new Date(0) }), Ledger: new castline.Ledger(),
    CastlineError: await caught(() => new castline.Digest('x')),
    SourceError: await caught(() => castline.verify('oci:/nowhere/at/all')),
    InvalidImageError: await caught(() => castline.tree(`oci:${path.join(VECTORS, 'layouts/flipped-bit-in-a-tar-layer')}`)),
    InfeasibleError: await caught(() => castline.plan(new castline.Target(goal.fleet, goal.release, infeasible))),
    ViolationError: await caught(() => castline.checkSync(castline.Plan.fromJSON(lax), goal)),
    BrokenChainError: await caught(() => castline.Ledger.fromLines('x')),
  }
}

test('every class has the members that are declared, and no others', async () => {
  const made = await samples()
  const classes = [...values].filter(([, symbol]) => symbol.flags & ts.SymbolFlags.Class)
  assert.deepEqual(sorted(classes.map(([name]) => name)), sorted(Object.keys(made)))
  const ofErrors = Object.getOwnPropertyNames(new Error('')).concat('name', 'cause')
  for (const [name, symbol] of classes) {
    const sample = made[name]
    assert.equal(Object.getPrototypeOf(sample), castline[name].prototype, name)
    const there = []
    for (let at = sample; at !== null && at !== Object.prototype && at !== Error.prototype; at = Object.getPrototypeOf(at)) {
      there.push(...Object.getOwnPropertyNames(at), ...(Symbol.iterator in at ? ['iterator'] : []))
    }
    const declared = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).map((one) => one.name)
    const plain = (names) => sorted(names.map((one) => one.replace(/^__@iterator.*/, 'iterator')))
      .filter((one) => !/^(__)?#/.test(one) && one !== 'constructor' && !(sample instanceof Error && ofErrors.includes(one)))
    assert.deepEqual(plain(declared), plain(there), name)

    const statics = checker.getPropertiesOfType(checker.getTypeOfSymbol(symbol)).map((one) => one.name)
    const inherited = []
    for (let at = castline[name]; at !== Function.prototype && at !== Error && at !== null; at = Object.getPrototypeOf(at)) inherited.push(...Object.getOwnPropertyNames(at))
    const usual = ['length', 'name', 'prototype', 'captureStackTrace', 'prepareStackTrace', 'stackTraceLimit']
    const own = (names) => sorted(names).filter((one) => !usual.includes(one))
    assert.deepEqual(own(statics), own(inherited), `statics of ${name}`)

    // And each is of the kind that is declared.
    for (const property of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
      if (property.name.startsWith('__')) continue
      const shape = checker.getTypeOfSymbol(property)
      const value = sample[property.name]
      const kind = checker.typeToString(shape)
      if (shape.getCallSignatures().length) assert.equal(typeof value, 'function', `${name}.${property.name}`)
      else if (['string', 'number', 'boolean', 'bigint'].includes(kind)) assert.equal(typeof value, kind, `${name}.${property.name}`)
      else if (kind in castline) assert.ok(value instanceof castline[kind], `${name}.${property.name}`)
      else if (/^readonly .*\[\]$/.test(kind)) assert.ok(Array.isArray(value), `${name}.${property.name}`)
    }
  }
})

test('the codes are those that there are, and no others', () => {
  const named = {
    error: 'ErrorCode', finding: 'FindingCode', drift: 'DriftCode', infeasible: 'InfeasibleCode', violation: 'ViolationCode', ledger: 'LedgerCode',
  }
  assert.deepEqual(sorted(Object.keys(named)), sorted(Object.keys(castline.codes)))
  for (const [kind, name] of Object.entries(named)) assert.deepEqual(sorted(union(name)), sorted(castline.codes[kind]), name)
})
