/** A fault in GraphQL's form: 200 with `errors`; the field is null. */
export class GraphqlError extends Error {
  readonly type:
    | 'NOT_FOUND'
    | 'FORBIDDEN'
    | 'UNPROCESSABLE'
    | 'MISSING_PAGINATION_BOUNDARIES'
    | 'EXCESSIVE_PAGINATION'

  constructor(type: GraphqlError['type'], message: string) {
    super(message)
    this.type = type
  }
}
