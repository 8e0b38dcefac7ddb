// The project's JSON Schemas as types, to be compared with those that are written by hand.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** What a definition is called in `lib/json/`, where not the same; texts have no type of their own. */
const NAMES = {
  Fleet: 'FleetJSON', Release: 'ReleaseJSON', Policy: 'PolicyJSON', Plan: 'PlanJSON', Report: 'ReportJSON', Inspection: 'InspectionJSON',
  DriftReport: 'DriftReportJSON', Event: 'RolloutEvent', Window: 'WindowJSON', Entry: 'LedgerEntry', Record: 'LedgerRecord',
  Outcome: 'RolloutOutcome', Change: 'PlannedChange', Order: 'ReplacementOrder', Members: 'LimitMembers', Method: 'ProofMethod',
  Step: 'CanaryStep', Life: 'InstanceLife', Counts: 'DriftCounts', InspectedImage: 'InspectedImageJSON', InspectedLayer: 'InspectedLayerJSON',
  Built: 'BuiltJSON', BuiltImage: 'BuiltImageJSON', BuiltIndex: 'BuiltIndexJSON', BuiltLayer: 'BuiltLayerJSON',
}
const TEXTS = ['Key', 'Digest', 'Revision', 'Platform', 'Time']
/** What only commands print, for which there is nothing here. */
const COMMANDS = [
  'diff.json', 'history.json', 'list.json', 'pin.json', 'prune.json', 'pull.json', 'push.json', 'status.json', 'test.json',
  'told.json',
]
/** Those in which what is not there is written as null. */
const NULLS = ['Life', 'Interval']

const isNull = (schema) => schema.type === 'null'

function type(schema) {
  if ('$ref' in schema) {
    const name = schema.$ref.split('/').at(-1)
    return TEXTS.includes(name) ? 'string' : `Schema_${name}`
  }
  if ('const' in schema) return JSON.stringify(schema.const)
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives) {
    const { properties = {}, required = [] } = schema
    const whole = alternatives.map((one) =>
      one.properties ? { ...one, properties: { ...properties, ...one.properties }, required: [...required, ...(one.required ?? [])] } : one)
    return `(${whole.filter((one) => !isNull(one)).map(type).join(' | ')})`
  }
  switch ([schema.type].flat().find((name) => name !== 'null')) {
    case 'string': return 'string'
    case 'integer': return 'number'
    case 'boolean': return 'boolean'
    case 'array': return schema.prefixItems ? `readonly [${schema.prefixItems.map(type)}]` : `readonly (${type(schema.items)})[]`
    case 'object': return schema.properties ? object(schema) : `{ readonly [name: string]: ${type(schema.additionalProperties)} }`
  }
  throw new Error(`what type is ${JSON.stringify(schema)}?`)
}

function object({ properties, required = [] }, nulls = false) {
  const member = ([name, schema]) => {
    const nullable = [schema.type].flat().includes('null') || schema.anyOf?.some(isNull)
    if (nulls && nullable) return `readonly ${name}: ${type(schema)} | null`
    return `readonly ${name}${required.includes(name) ? '' : '?'}: ${type(schema)}`
  }
  return `{ ${Object.entries(properties).map(member).join('; ')} }`
}

/** A module that compiles if each type is exactly what its schema says. */
export function comparison(folder) {
  const definitions = new Map()
  for (const file of readdirSync(folder).filter((name) => !COMMANDS.includes(name))) {
    const { $defs = {}, title, ...whole } = JSON.parse(readFileSync(path.join(folder, file)))
    for (const [name, schema] of [...Object.entries($defs), [title, whole]]) definitions.set(name, schema)
  }
  const lines = [
    "import type * as castline from 'castline'",
    'type Equal<X, Y> = (<T>() => T extends X ? 1 : 2) extends <T>() => T extends Y ? 1 : 2 ? true : false',
    'declare const exact: <X, Y>(same: Equal<X, Y>) => void',
  ]
  for (const [name, schema] of definitions) {
    if (TEXTS.includes(name)) continue
    lines.push(`type Schema_${name} = ${NULLS.includes(name) ? object(schema, true) : name === 'Amount' ? 'number | string' : type(schema)}`)
    if (name !== 'Amount') lines.push(`exact<castline.${NAMES[name] ?? name}, Schema_${name}>(true)`)
  }
  return { text: `${lines.join('\n')}\nexport {}\n`, count: definitions.size }
}
