import { expect } from '@jest/globals';
import { runDocket, type DocketRun } from '@docket/testkit';

/** `docket`, as somebody runs it at a prompt. */
export interface Prompt {
  readonly docket: (args: readonly string[], credential?: string) => Promise<DocketRun>;
  /** The objects that a command printed, one a line. */
  readonly printed: (args: readonly string[], credential?: string) => Promise<Record<string, unknown>[]>;
}

/** @param of asked at each command: where the service is, and the credential where none is named */
export function createPrompt(of: () => { readonly url: string; readonly credential: string }): Prompt {
  const docket: Prompt['docket'] = (args, credential = of().credential) =>
    runDocket(args, { DOCKET_URL: of().url, DOCKET_KEY: credential });
  return {
    docket,
    printed: async (args, credential) => {
      const { code, output } = await docket([...args, '--json'], credential);
      expect({ code, output }).toMatchObject({ code: 0 });
      return output
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({ ...Object(JSON.parse(line)) }));
    },
  };
}
