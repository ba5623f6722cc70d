"""What people deploy with today, as the programs that `deploy.py` measures beside ours. Run as processes, not imported.

Each does the same calls (GetAlias, PublishVersion, CreateDeployment with an inline AppSpec, waiting) and no checks.
SPEED divides their sleeps: five seconds are five seconds of the emulator's time, as ours are.
"""

BOTO3 = """
import json, os, sys, time
import boto3
speed, names = float(os.environ["SPEED"]), sys.argv[1:]
codedeploy, functions = boto3.client("codedeploy"), boto3.client("lambda")


def create(name):
    current = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    target = functions.publish_version(FunctionName=name)["Version"]
    properties = {"Name": name, "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    resource = {name: {"Type": "AWS::Lambda::Function", "Properties": properties}}
    content = json.dumps({"version": 0.0, "Resources": [resource]})
    return codedeploy.create_deployment(
        applicationName="app",
        deploymentGroupName=name,
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    )["deploymentId"]


waiting = [create(name) for name in names]
"""

POLLING = (
    BOTO3
    + """
ends = []
while True:
    for each in list(waiting):
        status = codedeploy.get_deployment(deploymentId=each)["deploymentInfo"]["status"]
        if status in ("Succeeded", "Failed", "Stopped"):
            waiting.remove(each)
            ends.append(status)
    if not waiting:
        break
    time.sleep(5 / speed)
sys.exit(ends != ["Succeeded"] * len(names))
"""
)

WAITER = (
    BOTO3
    + """
waiter = codedeploy.get_waiter("deployment_successful")
for each in waiting:
    waiter.wait(deploymentId=each, WaiterConfig={"Delay": 15 / speed})
"""
)

SHELL = """
set -eu
pause=$(awk "BEGIN { print 5 / $SPEED }")
waiting=
for name in "$@"; do
  current=$(aws lambda get-alias --function-name "$name" --name live --query FunctionVersion --output text)
  target=$(aws lambda publish-version --function-name "$name" --query Version --output text)
  properties="{\\"Name\\": \\"$name\\", \\"Alias\\": \\"live\\",
    \\"CurrentVersion\\": \\"$current\\", \\"TargetVersion\\": \\"$target\\"}"
  content="{\\"version\\": 0.0, \\"Resources\\": [
    {\\"$name\\": {\\"Type\\": \\"AWS::Lambda::Function\\", \\"Properties\\": $properties}}]}"
  quoted=$(printf %s "$content" | tr -d '\\n' | sed 's/"/\\\\"/g')
  waiting="$waiting $(aws deploy create-deployment --application-name app --deployment-group-name "$name" \\
    --revision "{\\"revisionType\\": \\"AppSpecContent\\", \\"appSpecContent\\": {\\"content\\": \\"$quoted\\"}}" \\
    --query deploymentId --output text)"
done
while :; do
  left=
  for each in $waiting; do
    status=$(aws deploy get-deployment --deployment-id "$each" --query deploymentInfo.status --output text)
    case $status in
      Succeeded) ;;
      Failed|Stopped) exit 1 ;;
      *) left="$left $each" ;;
    esac
  done
  waiting=$left
  [ -n "$waiting" ] || exit 0
  sleep "$pause"
done
"""

# What elseu/lambda-codedeploy's action does, which like ours is a container with a Python program: the AppSpec goes to
# S3, and twenty looks, 5 s apart, are all it has. Whatever takes longer than 100 s ends red while it runs on.
ACTION = """
import json, os, sys, time
import boto3
speed, (name,) = float(os.environ["SPEED"]), sys.argv[1:]
codedeploy, functions, s3 = boto3.client("codedeploy"), boto3.client("lambda"), boto3.client("s3")
current = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
target = functions.publish_version(FunctionName=name)["Version"]
properties = {"Name": name, "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
resource = {name: {"Type": "AWS::Lambda::Function", "Properties": properties}}
s3.put_object(
    Bucket="demo-deployments", Key=name + ".json", Body=json.dumps({"version": 0.0, "Resources": [resource]})
)
deployment = codedeploy.create_deployment(
    applicationName="app",
    deploymentGroupName=name,
    revision={
        "revisionType": "S3",
        "s3Location": {"bucket": "demo-deployments", "key": name + ".json", "bundleType": "JSON"},
    },
)["deploymentId"]
for _ in range(20):
    time.sleep(5 / speed)
    status = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"]
    if status in ("Succeeded", "Failed", "Stopped"):
        sys.exit(status != "Succeeded")
sys.exit(1)
"""

# The first call to AWS: with the one client that it takes, which is what ours has made by then; with the clients that a
# deployment then uses; and ours, as the runner starts it, with inputs in the environment.
FIRST = """
import boto3
boto3.client("sts").get_caller_identity()
"""

FIRST_OF_ALL = """
import boto3
for service in ("codedeploy", "codedeploy", "lambda"):
    boto3.client(service)
boto3.client("sts").get_caller_identity()
"""

OUR_FIRST = """
from ci_deploy.__main__ import main
main()
"""
