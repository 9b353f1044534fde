import type { ShownCell } from '../../core/premium/book/book-cells.ts';
import type { GroupBy } from '../../core/premium/book/book-groups.ts';
import type { ReportReader } from '../../core/premium/book/what-if-report.ts';
import { reportOf } from '../../core/premium/book/what-if-report.ts';
import type { WhatIf, WhatIfTally } from '../../core/premium/book/what-if.ts';
import { leastDrivers } from '../../core/stats/withhold.ts';
import type { Transaction } from '../../store/transaction.ts';
import { readWhatIf, rerateBook, type Run } from '../../store/read/book.ts';
import { parseStored } from '../../store/read/pricing.ts';
import { withReading } from '../../store/read/transaction.ts';
import type { TariffRow } from '../../store/read/tariffs.ts';
import { readTariff } from '../../store/read/tariffs.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { QueryWhatIfArgs, Resolvers, WhatIfGroupBy } from '../generated/schema.ts';
import type { Identity } from '../identity.ts';
import { toReader } from '../identity.ts';
import { toMessage } from './messages.ts';
import { toTariffName } from './tariffs.ts';

interface Asked {
  readonly whatIf: WhatIf;
  readonly tariff: TariffRow;
}

interface Answered extends Asked {
  readonly tally: WhatIfTally;
  readonly dataAsOfMs: number | null;
}

/** A message of `whatIfProgress`. */
export interface ProgressMessage {
  readonly policies: number;
  readonly done: number;
  readonly answer: Answered | undefined;
}

export const whatIf: Resolvers = {
  Query: {
    whatIf: async (_, args, { identity, reading }) => {
      const run: Run = (read) => reading.run(read);
      const asked = await run((tx) => readQuestion(tx, args));
      for await (const { over, tally } of rerateBook(run, asked.whatIf))
        if (over) return toAnswer(identity, { ...asked, tally, dataAsOfMs: reading.dataAsOfMs() });
      throw new Error('a book ended before its last policy');
    },
  },
  Subscription: {
    whatIfProgress: {
      subscribe: async (_, args, context) => {
        const { run, dataAsOfMs } = inPieces(context);
        const asked = await run((tx) => readQuestion(tx, args));
        return messagesOf(run, asked, dataAsOfMs) as AsyncIterableIterator<never>;
      },
      resolve: toMessage,
    },
  },
  WhatIfProgress: {
    whatIf: ({ answer }, _, { identity }) =>
      answer === undefined ? null : toAnswer(identity, answer),
  },
};

async function readQuestion(tx: Transaction, args: QueryWhatIfArgs): Promise<Asked> {
  const find = async (id: string): Promise<TariffRow> => {
    const row = await readTariff(tx, toTariffName(id));
    if (row === null) throw createError('NOT_FOUND', `There is no tariff ${id}.`);
    return row;
  };
  const tariff = await find(args.tariff);
  const against = args.against == null ? undefined : parseStored(await find(args.against));
  const asked = await readWhatIf(
    tx,
    {
      draft: parseStored(tariff),
      product: args.filter?.product ?? tariff.product,
      period: { from: args.from, to: args.to },
      billingMonths: args.billingMonths ?? 1,
      facts: args.filter?.facts ?? [],
      groupBy: toGroupBy(args.groupBy),
    },
    against,
  );
  if (!('draft' in asked)) {
    const texts = asked.map(({ path, message }) => `${path.slice(1)}: ${message}`);
    throw createError('BAD_USER_INPUT', texts.join('; '));
  }
  return { whatIf: asked, tariff };
}

function toGroupBy(given: WhatIfGroupBy | null | undefined): GroupBy | undefined {
  if (given == null) return undefined;
  const { fact, attribute } = given;
  if (fact != null && attribute == null) return { kind: 'FACT', name: fact };
  if (attribute != null && fact == null) return { kind: 'ATTRIBUTE', name: attribute };
  throw createError('BAD_USER_INPUT', 'groupBy: give exactly one of fact and attribute.');
}

/** Reads in separate transactions that each queue at the gate, so that other callers get places in between. */
function inPieces({ services, identity }: Context) {
  let dataAsOfMs: number | null = null;
  const run: Run = async (read) => {
    const options = { ...services.heavy, snapshot: true };
    return withReading(services.store, toReader(identity), options, async (reading) => {
      const found = await reading.run(read);
      dataAsOfMs = reading.dataAsOfMs();
      return found;
    });
  };
  return { run, dataAsOfMs: () => dataAsOfMs };
}

async function* messagesOf(
  run: Run,
  asked: Asked,
  dataAsOfMs: () => number | null,
): AsyncGenerator<ProgressMessage> {
  const cutOffMs = dataAsOfMs();
  for await (const { policies, done, over, tally } of rerateBook(run, asked.whatIf)) {
    const answer = over ? { ...asked, tally, dataAsOfMs: cutOffMs } : undefined;
    yield { policies, done, answer };
  }
}

/** An actuary gets no figures about few people and no policy numbers. */
function readerOf({ role, microdata }: Identity): ReportReader {
  return {
    leastDrivers: role === 'ACTUARY' && !microdata ? leastDrivers : 0,
    namesPolicies: role === 'INSURER',
  };
}

function toAnswer(identity: Identity, { whatIf: asked, tariff, tally, dataAsOfMs }: Answered) {
  const reader = readerOf(identity);
  const report = reportOf(tally, asked, reader);
  if (report === undefined) {
    throw createError(
      'FORBIDDEN',
      `Figures about fewer than ${leastDrivers} drivers are not visible to the role ${identity.role}.`,
    );
  }
  return {
    tariff,
    from: asked.period.from,
    to: asked.period.to,
    currency: report.currency,
    total: toFigures(report.whole),
    histogram: report.histogram.map(({ fromPercent, toPercent, others, ...cell }) => ({
      fromPercent: fromPercent ?? null,
      toPercent: toPercent ?? null,
      others,
      figures: toFigures(cell),
    })),
    groups: report.groups.map(({ value, others, ...cell }) => ({
      value: value ?? null,
      others,
      figures: toFigures(cell),
    })),
    largestRises: reader.namesPolicies ? [...report.largestRises] : null,
    largestFalls: reader.namesPolicies ? [...report.largestFalls] : null,
    unrated: report.unrated.map(({ code, policies, example }) => ({
      code,
      policies,
      policyNumber: example?.policyNumber ?? null,
      message: example?.message ?? null,
    })),
    dataCutoff: dataAsOfMs,
  };
}

function toFigures(cell: ShownCell) {
  const { winners = null, losers = null, unchanged = null, changePercent = null, ...sums } = cell;
  return { ...sums, winners, losers, unchanged, changePercent };
}
