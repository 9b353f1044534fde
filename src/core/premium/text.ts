import type { Premium, PremiumLine } from './premium.ts';

const WIDTH = 78;

/** Cuts a text into lines between words; lines after the first are indented. */
function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = `    ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A label on the left and money on the right of its last line. */
function row(label: string, amount: string): string[] {
  const room = WIDTH - amount.length - 2;
  const lines = wrap(label, room);
  const last = lines.pop() ?? '';
  return [...lines, last.padEnd(room + 2) + amount];
}

function lineRows(line: PremiumLine): string[] {
  const signed = line.kind === 'CHARGE' || line.amount.startsWith('-') ? '' : '+';
  return row(`${line.label}: ${line.explanation}`, signed + line.amount);
}

/** The days on which the customer drove more than was billed, and estimates still to be settled. */
function notes(premium: Premium): string[] {
  const several = new Set(premium.lines.flatMap((l) => l.vehicleId ?? [])).size > 1;
  const notes: string[] = [];
  for (const vehicle of premium.worksheet.years.flatMap((year) => year.vehicles)) {
    const who = several ? ` with ${vehicle.vehicleId}` : '';
    for (const cap of vehicle.cappedDays) {
      const why = cap.by === 'DAY' ? 'the daily limit' : 'the yearly limit';
      notes.push(
        `${cap.localDate}: ${cap.driven} ${cap.unit} driven${who}, ${cap.billed} ${cap.unit} billed (${why})`,
      );
    }
    if (vehicle.estimatedKm !== '0')
      notes.push(`${vehicle.estimatedKm} km${who} are estimated and will be settled later`);
  }
  return notes;
}

/**
 * A bill, or a premium not billed yet, as its customer reads it: plain text, 78 columns.
 *
 * @param number the bill's
 */
export function billText(premium: Premium, number?: string): string {
  const vehicles = [...new Set(premium.lines.map((line) => line.vehicleId))];
  const several = vehicles.filter((v) => v !== undefined).length > 1;
  const lines = [
    ...wrap(
      `${number === undefined ? 'Policy' : `Bill ${number}, policy`} ${premium.policyNumber}: premium from ${premium.from} up to, not including, ${premium.to}`,
      WIDTH,
    ),
    '',
  ];
  for (const vehicle of vehicles) {
    if (several) lines.push(vehicle === undefined ? 'For the policy' : `Vehicle ${vehicle}`);
    for (const line of premium.lines) if (line.vehicleId === vehicle) lines.push(...lineRows(line));
  }
  lines.push('-'.repeat(WIDTH), ...row('Total', `${premium.currency} ${premium.total}`));
  const also = notes(premium);
  if (also.length > 0) lines.push('', 'Good to know', ...also.flatMap((note) => wrap(note, WIDTH)));
  lines.push(
    '',
    ...wrap(
      `Tariff ${premium.tariff.id}, version ${premium.tariff.version}; driving known up to ${premium.dataCutoff}.`,
      WIDTH,
    ),
    ...wrap(`Rounding: ${premium.worksheet.rounding}.`, WIDTH),
    'To calculate this again:',
    `tariff ${premium.tariff.hash}`,
    `inputs ${premium.inputsHash}`,
    `engine ${premium.engine}`,
  );
  return `${lines.join('\n')}\n`;
}
