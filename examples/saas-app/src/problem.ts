/** A request that cannot be served as asked: the client's part to change. Routes answer it as problem+json. */
export class Problem extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409;

  constructor(status: Problem['status'], message: string) {
    super(message);
    this.status = status;
  }
}
