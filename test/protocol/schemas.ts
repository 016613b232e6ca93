/**
 * JSON Schemas of everything that goes over the wire or into a log, one for each, made from the
 * schemas that the code decodes with. What an older reader drops (unknown members of an object that
 * is not strict) the schemas let pass as well.
 */
import { z } from 'zod'
import { headerSchema, lineSchema } from '../../src/journal/proof/bundle.ts'
import { entrySchemas, stampSchema } from '../../src/journal/entries.ts'
import { answers, requests } from '../../src/mesh/membership/join-wire.ts'
import {
  genesisSchema,
  inviteSchema,
  memberSchema,
  removalSchema,
  revocationSchema,
  rotationSchema,
} from '../../src/mesh/membership/statements.ts'
import { capabilitiesSchema, protocols, topics } from '../../src/mesh/wire.ts'
import { signedSchema } from '../../src/tasks/claim/record.ts'

export type Schema = Record<string, unknown>

const statementSchemas = [
  genesisSchema,
  rotationSchema,
  memberSchema,
  removalSchema,
  revocationSchema,
] as const

function wire(): Record<string, z.ZodType> {
  const all: Record<string, z.ZodType> = {
    'join-request': requests,
    'join-answer': answers,
    'capabilities-payload': capabilitiesSchema,
    invite: inviteSchema,
    statement: z.discriminatedUnion('kind', statementSchemas),
    'claim-record': signedSchema,
    'bundle-header': headerSchema,
    'bundle-line': lineSchema,
  }
  for (const [name, topic] of Object.entries(topics)) all[`topic-${name}`] = topic.schema
  for (const [name, protocol] of Object.entries(protocols)) {
    if (protocol.kind !== 'request') continue
    all[`${name}-request`] = protocol.request
    all[`${name}-answer`] = protocol.response
  }
  for (const schema of statementSchemas) all[`statement-${schema.shape.kind.value}`] = schema
  for (const schema of entrySchemas) {
    all[`entry-${schema.shape.type.value}`] = schema.extend(stampSchema.shape)
  }
  return all
}

/** By name of file, without `.json`. */
export function wireSchemas(): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(wire()).map(([name, schema]) => {
      const { $schema, ...body } = z.toJSONSchema(schema, { io: 'input' })
      return [name, { $schema, title: name, ...(statementsIn(body) as Schema) }]
    }),
  )
}

/** The code takes statements apart one by one; a schema can say what each of them is. */
function statementsIn(node: unknown, key = ''): unknown {
  if (Array.isArray(node)) return node.map((one) => statementsIn(one))
  if (typeof node !== 'object' || node === null) return node
  const members = Object.entries(node).map(([name, one]) => [name, statementsIn(one, name)])
  const copy = Object.fromEntries(members) as Schema
  if (key === 'statements' && copy['type'] === 'array') copy['items'] = { $ref: 'statement.json' }
  return copy
}
