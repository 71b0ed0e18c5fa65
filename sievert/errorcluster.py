"""The errors of clusters and of jobs that are handed to one; `sievert/errors.py` draws the whole tree."""

from __future__ import annotations

from sievert.errorroot import SievertError


class ClusterError(SievertError):
    """Ray cannot be started or joined, or it lost its workers."""

    exit_code = 70
    advice = "Check --address; without it a local session is started. See `sievert doctor`."


class SubmissionError(ClusterError):
    """A job cannot be handed to a cluster, or not be followed there."""

    exit_code = 100
    advice = "Ask whoever runs the cluster; see docs/submitting.md."


class ClusterMissingError(SubmissionError):
    """Nothing answers where the cluster should be."""

    exit_code = 101
    advice = "Check the address, the port-forward or VPN, and that the cluster runs."


class AddressError(SubmissionError):
    """Something answers at the address, and it is no cluster."""

    exit_code = 102
    advice = "Give the address of Ray's dashboard (port 8265) or a context of a Kubernetes cluster."


class CredentialsError(SubmissionError):
    """The cluster does not know who asks: the token is missing, wrong or expired."""

    exit_code = 103
    advice = "Get a new token: RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH for Ray, the kubeconfig for Kubernetes."


class NotAllowedError(SubmissionError):
    """The cluster knows who asks, and does not allow it."""

    exit_code = 104
    advice = "Ask for a binding to the chart's Role that ends in -submitter."


class NamespaceError(SubmissionError):
    """The namespace is not there, or the chart's template of a RayJob is not in it."""

    exit_code = 105
    advice = "Check --namespace and `template` of the profile; `helm list --all-namespaces` says where charts are."


class QuotaError(SubmissionError):
    """The quota of the namespace is used up."""

    exit_code = 106
    advice = "Wait until other jobs have ended, stop one, or ask for more: `kubectl describe quota`."


class UnschedulableError(SubmissionError):
    """No node of the cluster can take a pod of the job."""

    exit_code = 107
    advice = "Ask for nodes of that kind, or for less: the groups of workers in the chart's values."


class ImageError(SubmissionError):
    """The image of the job cannot be pulled."""

    exit_code = 108
    advice = "Check `image` and `image.pullSecrets` in the chart's values."


class AdmissionRefusedError(SubmissionError):
    """A rule of the cluster refuses the job or its pods."""

    exit_code = 109
    advice = "Change what the rule complains of in the chart's values, or ask whoever made the rule."


class OldOperatorError(SubmissionError):
    """The KubeRay operator, or its kinds, are missing or older than what the chart asks for."""

    exit_code = 110
    advice = "Ask for KubeRay 1.7 or newer, its kinds (CRDs) first: docs/kubernetes.md, step 2."


class OldRayError(SubmissionError):
    """The cluster runs another Ray than Sievert needs."""

    exit_code = 111
    advice = "Start the cluster from an image of this version of Sievert."


class OtherVersionError(SubmissionError):
    """The cluster has another version of Sievert than the one that submits, or none."""

    exit_code = 112
    advice = (
        "Submit with --ship, which sends this version along to a Ray cluster, or install the cluster's version here."
    )


class ClockError(SubmissionError):
    """By this machine's clock a certificate or token is not valid, and the clock seems wrong."""

    exit_code = 113
    advice = "Set the clock (`timedatectl set-ntp true`), then try again."


class JobNameError(SubmissionError):
    """A job cannot have this name."""

    exit_code = 114
    advice = "Give another --name: it begins with a letter and has small letters, digits and hyphens, at most 24."


class JobMissingError(SubmissionError):
    """The cluster has no job of this name, or no longer."""

    exit_code = 115
    advice = "See `sievert jobs list`; the same `sievert submit` goes on with what is in the out folder."


class JobLostError(SubmissionError):
    """The job ended without an exit code: its cluster or its driver died."""

    exit_code = 116
    advice = "Run the same `sievert submit` again: finished shards are kept."


class JobStoppedError(SubmissionError):
    """The job was stopped; results so far are valid."""

    exit_code = 117
    advice = "Run the same `sievert submit` again: it goes on where the job was stopped."
