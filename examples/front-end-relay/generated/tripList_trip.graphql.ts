/**
 * @generated SignedSource<<8c2d5996f6ec423a337aaef21342e664>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import type { ReaderFragment } from 'relay-runtime';
export type TripStatus = "CLOSED" | "OPEN" | "%future added value";
import type { FragmentRefs } from "relay-runtime";
export type tripList_trip$data = {
  readonly distanceKm: number;
  readonly id: string;
  readonly revision: number;
  readonly startedAt: string;
  readonly status: TripStatus;
  readonly supersededBy: {
    readonly id: string;
  } | null | undefined;
  readonly withdrawn: boolean;
  readonly " $fragmentType": "tripList_trip";
};
export type tripList_trip$key = {
  readonly " $data"?: tripList_trip$data;
  readonly " $fragmentSpreads": FragmentRefs<"tripList_trip">;
};

const node: ReaderFragment = (function(){
var v0 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
};
return {
  "argumentDefinitions": [],
  "kind": "Fragment",
  "metadata": null,
  "name": "tripList_trip",
  "selections": [
    (v0/*:: as any*/),
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "status",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "startedAt",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "distanceKm",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "revision",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "withdrawn",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "concreteType": "Trip",
      "kind": "LinkedField",
      "name": "supersededBy",
      "plural": false,
      "selections": [
        (v0/*:: as any*/)
      ],
      "storageKey": null
    }
  ],
  "type": "Trip",
  "abstractKey": null
};
})();

(node as any).hash = "ce819930e3514c3abb1ec88989b9b06a";

export default node;
