import type { DeviceState } from '../core/advance.ts';
import type { StoredDevice } from '../store/ingest/devices.ts';

/** A device as this sink last saw it committed, its state ready to fold on. */
export interface CachedDevice extends Omit<StoredDevice, 'state'> {
  readonly state: DeviceState;
}

/**
 * Devices that were folded lately. Only a shortcut: the device's version, compared when a batch is
 * written, tells whether what stands here is still true.
 */
export interface DeviceCache {
  get(externalId: string): CachedDevice | undefined;
  /** Keeps what a commit has made true, the least lately used devices falling out. */
  set(device: CachedDevice): void;
  delete(externalId: string): void;
}

export function createDeviceCache(capacity: number): DeviceCache {
  const devices = new Map<string, CachedDevice>();
  return {
    get: (externalId) => devices.get(externalId),
    set(device) {
      devices.delete(device.externalId);
      devices.set(device.externalId, device);
      if (devices.size > capacity) devices.delete(devices.keys().next().value!);
    },
    delete: (externalId) => void devices.delete(externalId),
  };
}
